// @minutes 5
// The demo page as a visitor has it: put together for a static host, served from a folder of its own, opened in Chromium.
import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type OpenedPage, openPage } from '../scripts/browser/open-page.ts';
import { buildSite } from '../scripts/browser/site.mjs';
import { startStaticServer } from '../scripts/browser/static-server.mjs';
import { browser } from './adapter.ts';

const test = suite('demo-page');
const browserTest = browser === 'none' ? test.skip : test;
let server: Awaited<ReturnType<typeof startStaticServer>>;
let opened: OpenedPage;

/** What caption.js says of a test photograph. */
function nodeCaption(image: string): string {
  const command = ['dist/caption.js', '--device', 'cpu', `test/images/${image}.jpg`];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  assert.is(status, 0, stderr);
  return stdout.trim();
}

/** Waits for the sentence about a picture, all of it. */
async function answerTo(action: () => Promise<unknown>): Promise<string> {
  const { page } = opened;
  await page.evaluate(() => {
    document.querySelector('#facts')?.replaceChildren();
    const error = document.querySelector<HTMLElement>('#error');
    if (error) error.hidden = true;
  });
  await action();
  await page.waitForFunction(
    () => document.querySelector('#facts dd') || !document.querySelector<HTMLElement>('#error')?.hidden,
    undefined,
    { timeout: 120_000 },
  );
  return page.evaluate(() => {
    const error = document.querySelector<HTMLElement>('#error');
    const shown = error?.hidden ? document.querySelector('#caption') : error;
    return shown?.textContent ?? '';
  });
}

/** SwiftShader would take seconds for each sentence, and browser.test.ts has them computed there. */
async function takeProcessor(): Promise<void> {
  await opened.page.evaluate(() => {
    const device = document.querySelector<HTMLSelectElement>('#device');
    if (device) device.value = 'cpu';
  });
}

const example = (name: string) => opened.page.click(`#examples button:has(img[alt="Example: ${name}"])`);

test.before(async () => {
  if (browser === 'none') return;
  server = await startStaticServer({ root: buildSite() });
  opened = await openPage(browser, `${server.origin}/`);
  await takeProcessor();
});

test.after(async () => {
  await opened?.close();
  await server?.close();
});

browserTest(
  'an example gets the sentence that caption.js says, with a download that is followed',
  async () => {
    const { page } = opened;
    await page.evaluate(() => {
      const states: string[] = [];
      Object.assign(window, { states });
      new MutationObserver(() =>
        states.push(document.querySelector('#downloading')?.textContent ?? ''),
      ).observe(document.querySelector('#downloading') as Element, { childList: true });
    });
    assert.is(await answerTo(() => example('cat')), nodeCaption('cat'));
    const states = await page.evaluate(() => (window as unknown as { states: string[] }).states);
    assert.ok(states.length > 3, `${states.length} states of the download`);
    assert.match(states.at(-1) as string, /^Getting the model, once: 3\d\.\d MB of 3\d\.\d MB$/);
    assert.is(await page.isVisible('#bar'), false);
  },
);

browserTest('it names the device, the time and other sentences', async () => {
  const { page } = opened;
  assert.match((await page.textContent('#facts')) ?? '', /CPU.*\d ms.*\d MB on the device.*log-probability/s);
  const others = await page.$$eval('#alternatives li', (lines) =>
    lines.map(({ textContent }) => textContent),
  );
  assert.is(others.length, 2);
  for (const line of others) assert.match(line ?? '', /^[a-z ]+ \(\d.*%\)$/);
});

browserTest(
  'a file that is no image is named, and the next picture is described as if nothing had been',
  async () => {
    const { page } = opened;
    const notes = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no image') };
    assert.match(
      await answerTo(() => page.setInputFiles('#file', notes)),
      /notes\.txt is a text file, which this browser/,
    );
    const chosen = () => page.setInputFiles('#file', 'test/images/coffee.jpg');
    assert.is(await answerTo(chosen), nodeCaption('coffee'));
    assert.is(await page.isVisible('#error'), false);
  },
);

browserTest('the words show where the model looked, by keyboard too, where it has attention', async () => {
  const { page } = opened;
  if (await page.isHidden('#words'))
    return assert.not.match((await page.textContent('#note')) ?? '', 'Point at');
  await page.focus('#words button');
  assert.is(await page.isVisible('#heat'), true);
  await page.keyboard.press('ArrowRight');
  const second = (await page.$$eval('#words button', ([, word]) => word.textContent)) ?? '';
  assert.match((await page.textContent('#note')) ?? '', `“${second}”`);
});

browserTest('a second visit needs no server for the model', async () => {
  const { page } = opened;
  await page.reload();
  await takeProcessor();
  await page.route('**/models/**', (route) => route.abort());
  assert.is(await answerTo(() => example('cat')), nodeCaption('cat'));
  await page.unroute('**/models/**');
});

browserTest('nothing is asked of any other host, and the console stays empty', () => {
  const others = opened.complaints.filter((line) => !/request failed: HEAD .*\/models\//.test(line));
  assert.equal(
    others.filter((line) => !/Failed to load resource: net::ERR_FAILED.*models/.test(line)),
    [],
  );
});

test.run();
