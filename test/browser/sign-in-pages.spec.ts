// Signing in, registering, and choosing a new password, as people do it in a browser.
import { PASSWORD } from '../support/tidings.js';
import { MailServer, type Received, tokenIn } from '../support/smtp.js';
import { until } from '../support/wait.js';
import { isFocused, signIn, WallStage } from './wall-stage.js';

let mails: MailServer;
let stage: WallStage;
beforeAll(async () => {
  mails = await MailServer.start();
  stage = await WallStage.start({ env: { SMTP_URL: mails.url, MAIL_FROM: 'tidings@example.com' } });
});
beforeEach(() => stage.begin());
afterEach(() => stage.end());
afterAll(async () => {
  await stage.stop();
  await mails.stop();
});

it('a wrong password is reported and the address kept', async () => {
  const ada = await stage.tidings.asUser('USER', 'Ada');
  const page = await stage.open();
  await signIn(page, ada, 'not the password');
  await page.getByText('The e-mail address or the password is wrong.').waitFor();
  expect(await page.getByLabel('E-mail address').inputValue()).toBe(ada.email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'No projects yet' }).waitFor();
});

it('an unreachable service is reported', async () => {
  const page = await stage.open();
  await page.getByLabel('E-mail address').waitFor();
  stage.proxy.answer503();
  stage.proxy.cut();
  await signIn(page, { email: 'ada@example.com' });
  const problem = page.getByRole('alert');
  await problem.waitFor();
  expect(await problem.textContent()).toBe('Tidings cannot be reached. Check your connection, then try again.');
});

it('registration reports problems beside the fields and continues to the requested page', async () => {
  const page = await stage.open('/?q=later');
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByLabel('Name').fill('Grace');
  await page.getByLabel('E-mail address').fill('grace@example.com');
  await page.getByLabel('Password').fill('password');
  await page.getByRole('button', { name: 'Create account' }).click();
  const password = page.getByLabel('Password');
  await page.locator('[aria-invalid=true]').waitFor();
  await until(() => isFocused(password), 'the field had the focus');
  await password.fill('seven seas and one harbour');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('button', { name: 'Account of Grace' }).waitFor();
  expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/?q=later');
  await page.getByRole('button', { name: 'Account of Grace' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('You are signed out.').waitFor();
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByLabel('Name').fill('Grace');
  await page.getByLabel('E-mail address').fill('grace@example.com');
  await page.getByLabel('Password').fill('seven seas and one harbour');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByText('There is an account with this address.').waitFor();
});

it('a reset link sets a new password once', async () => {
  const ada = await stage.tidings.asUser('USER', 'Ada');
  const page = await stage.open();
  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await page.getByLabel('E-mail address').fill(ada.email);
  await page.getByRole('button', { name: 'Send the link' }).click();
  await page.getByRole('heading', { name: 'Look into your mail' }).waitFor();
  const [{ mail }] = (await mails.to(ada.email)) as [Received];
  const link = `${stage.origin}/reset#token=${tokenIn(mail.text)}`;
  const reset = await stage.profile.newPage();
  await reset.goto(link);
  await reset.getByLabel('New password').fill('another harbour, another ship');
  expect(reset.url()).not.toContain('token');
  await reset.getByRole('button', { name: 'Change password' }).click();
  await reset.getByRole('heading', { name: 'Your password is changed' }).waitFor();
  await reset.goto(link);
  await reset.getByLabel('New password').fill('a third one that is not taken');
  await reset.getByRole('button', { name: 'Change password' }).click();
  await reset.getByRole('heading', { name: 'This link is no longer valid' }).waitFor();
  expect(await reset.getByRole('alert').innerText()).toMatch(/^It works once, for 30 minutes/);
  expect(await reset.getByText('This is not valid').count()).toBe(0);
  // Another link opened in this page is tried again.
  await reset.goto(`${stage.origin}/reset#token=another`);
  await reset.getByLabel('New password').fill('a third one that is not taken');
  await reset.getByRole('button', { name: 'Change password' }).click();
  await reset.getByRole('link', { name: 'Ask for a new link' }).click();
  await reset.getByRole('heading', { name: 'Ask for a new password' }).waitFor();
  await reset.goto(stage.origin);
  await signIn(reset, ada, 'another harbour, another ship');
  await reset.getByRole('heading', { name: 'No projects yet' }).waitFor();
});

it('an incomplete link and an unknown address are reported', async () => {
  const page = await stage.open('/reset');
  await page.getByRole('heading', { name: 'This link is not complete' }).waitFor();
  const response = await page.goto(`${stage.origin}/nothing/here`);
  expect(response?.status()).toBe(404);
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  await page.getByRole('link', { name: 'Go to the start page' }).click();
  await page.getByLabel('E-mail address').waitFor();
});

it('no token is stored where scripts can read it', async () => {
  const ada = await stage.tidings.asUser('USER', 'Ada');
  const page = await stage.openAs(ada);
  await page.getByRole('heading', { name: 'No projects yet' }).waitFor();
  const kept = await page.evaluate<string>(
    'JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }])',
  );
  expect(kept).not.toMatch(/eyJ|token/i);
  expect(JSON.parse(kept)[0]).toBe('');
});
