// The playground over plain HTTP in a local network, where browsers keep the clipboard from pages.
import { usePlayground, wireHas } from './playground-stage.js';

const playground = usePlayground({}, 'tidings.lan');

it('Wire reports why it cannot copy', async () => {
  const page = await playground.current.open();
  await page.getByRole('button', { name: 'Show Wire' }).click();
  await wireHas(page, /response/);
  await page.getByText('Copying needs HTTPS, or http://localhost').waitFor();
  expect(await page.getByRole('button', { name: 'Copy', exact: true }).isDisabled()).toBe(true);
});
