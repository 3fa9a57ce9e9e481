/** Requirements of a new password. */
export const NEW_PASSWORD_HINT = '8 to 128 characters. The most common passwords are refused.';
