// The pages over plain HTTP in a local network, where browsers keep no sign-in safe.
import { useWallStage } from './wall-stage.js';

const stage = useWallStage({ host: 'tidings.lan', names: 'MAP tidings.lan 127.0.0.1' });

it.each(['/', '/register'])('%s on an insecure origin requires HTTPS and shows no password field', async (path) => {
  const page = await stage.current.open(path);
  const notice = page.getByRole('alert');
  await notice.waitFor();
  expect(await notice.innerText()).toMatch(/^Signing in needs HTTPS\./);
  expect(await page.getByLabel('Password').count()).toBe(0);
});
