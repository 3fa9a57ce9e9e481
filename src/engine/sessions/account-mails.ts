// Mails to an account about itself. They contain no user input, and are sent in the background.
import { Inject, Injectable } from '@nestjs/common';
import type { Account } from '../accounts/account.entity.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import type { Mail } from '../mail/mail.js';
import { Mailer } from '../mail/mailer.js';

const NOT_YOU = 'If this was not you, ask for a new password at the sign-in, and tell whoever runs this service.';

@Injectable()
export class AccountMails {
  constructor(
    private readonly mailer: Mailer,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Mails a reset token to the account at `email`. `make` stores the token, after the request; it returns undefined when
   * there is none. Returns whether `make` will be called.
   */
  passwordReset(make: () => Promise<{ readonly email: string; readonly token: string } | undefined>): boolean {
    return this.mailer.queue(async () => {
      const made = await make();
      return made && this.resetMail(made.email, made.token);
    });
  }

  passwordChanged(account: Account): void {
    this.notify(account, 'Your password was changed', [
      `The password of your account at ${this.config.publicUrl} was changed ${now()}, and all sessions before that have ended.`,
      NOT_YOU,
    ]);
  }

  sessionStolen(account: Account): void {
    this.notify(account, 'A session of yours was ended', [
      `Sign-in data of one of your sessions at ${this.config.publicUrl} that had been replaced before was used again ${now()}. ` +
        'Someone else may have a copy of it, so the session has been ended everywhere.',
      'Sign in again. If you do not know how this could happen, change your password: that ends all other sessions too.',
    ]);
  }

  private resetMail(to: string, token: string): Mail {
    return {
      to,
      subject: 'Choose a new password',
      paragraphs: [
        `Someone asked for a new password for your account at ${this.config.publicUrl}. Choose one here:`,
        'The link works for 30 minutes. Once a link was used, it and all others that were sent before are not valid any more.',
        'If you did not ask for it, do nothing: your password stays as it is.',
      ],
      link: { label: 'Choose a new password', url: `${this.config.publicUrl}/reset#token=${token}` },
    };
  }

  private notify({ email: to }: Account, subject: string, paragraphs: readonly string[]): void {
    if (to) this.mailer.queue({ to, subject, paragraphs });
  }
}

function now(): string {
  return `on ${new Date().toISOString().slice(0, 16).replace('T', ' at ')} UTC`;
}
