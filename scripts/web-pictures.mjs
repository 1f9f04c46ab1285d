// Takes pictures of the demo page in its states, for a person to look at: build/web-pictures/*.png. Needs a build and a
// Chromium (`npm run setup`).
//
//   node scripts/web-pictures.mjs
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { buildSite } from './browser/site.mjs';
import { startStaticServer } from './browser/static-server.mjs';
import { findChromium } from './chromium.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const out = 'build/web-pictures';
const desktop = { width: 1200, height: 860 };
const phone = { width: 390, height: 844 };

const found = await findChromium();
if (!found) throw new Error('no Chromium runs here: `npm run setup` installs it or says how');
const server = await startStaticServer({ root: buildSite() });
const browser = await chromium.launch({
  executablePath: found.path,
  args: ['--no-sandbox'],
});
mkdirSync(out, { recursive: true });

/** Opens the page anew, brings it into a state, and takes its picture. */
async function take(name, reach, { colorScheme = 'light', viewport = desktop } = {}) {
  const page = await browser.newPage({ colorScheme, viewport });
  try {
    await page.goto(`${server.origin}/`);
    await page.evaluate(() => {
      document.querySelector('#device').value = 'cpu';
    });
    await reach(page);
    await page.screenshot({ path: join(out, `${name}.png`), fullPage: true });
    console.log(join(out, `${name}.png`));
  } finally {
    await page.close();
  }
}

const choose = (page) => page.click('#examples button');

async function answered(page) {
  await choose(page);
  await page.waitForSelector('#facts dd', { state: 'attached', timeout: 120_000 });
  for (const details of await page.$$('details')) await details.evaluate((element) => (element.open = true));
  const word = await page.$('#words button');
  if (word) await word.focus();
}

async function loading(page) {
  await page.route('**/encoder.safetensors', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await route.continue();
  });
  await choose(page);
  await page.waitForSelector('#download:not([hidden])');
}

async function refused(page) {
  const notes = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no image') };
  await page.setInputFiles('#file', notes);
  await page.waitForSelector('#error:not([hidden])', { timeout: 120_000 });
}

try {
  await take('start', async () => undefined);
  await take('loading', loading);
  await take('answer', answered);
  await take('answer-dark', answered, { colorScheme: 'dark' });
  await take('answer-phone', answered, { viewport: phone });
  await take('error', refused);
} finally {
  await browser.close();
  await server.close();
}
