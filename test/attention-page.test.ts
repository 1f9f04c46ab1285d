// The page that shows where each word looked: what stands in it, and what it does in headless Chromium.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type OpenedPage, openPage } from '../scripts/browser/open-page.ts';
import type { Caption } from '../src/captioner/captioner.ts';
import { AttentionPage, noteOf } from '../src/captioner/cli/pages/attention-page.ts';
import { html } from '../src/captioner/cli/pages/html.ts';
import { pictureOf } from '../src/captioner/cli/pages/picture.ts';
import { decodeImage } from '../src/captioner/images/decode-image.ts';
import type { RgbImage } from '../src/captioner/images/rgb-image.ts';
import { browser } from './adapter.ts';

const browserTest = browser === 'none' ? test.skip : test;
const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-attention-'));
test.after(async () => {
  await opened?.close();
  rmSync(folder, { recursive: true });
});

let opened: OpenedPage;
const side = 7;
const hostile = `"><script>alert('x')</script>&amp;.png`;

/** A grey image, wider than high. */
const grey: RgbImage = { width: 900, height: 300, data: new Uint8Array(900 * 300 * 3).fill(128) };

/** Each word looks at one place alone. */
function captionOf(words: readonly string[], places: readonly number[], unsure = false): Caption {
  const weights = [...places, 0].map((place) => {
    const map = new Float32Array(side * side);
    map[place] = 1;
    return map;
  });
  return {
    caption: words.join(' '),
    tokens: [...places, 3],
    logProbability: -3,
    meanLogProbability: -1,
    unsure,
    alternatives: [],
    attention: { side, first: 13.5 / 75, step: 8 / 75, weights },
  };
}

function page(): string {
  const made = new AttentionPage();
  made.add('photo.jpg', grey, captionOf(['red', 'ball'], [0, 48]));
  made.add(hostile, grey, captionOf(['<b>bold</b>', 'dog'], [6, 24], true));
  assert.is(made.images, 2);
  return made.text();
}

test('text in a page is escaped, markup stands', () => {
  const inner = html`<b title="${`"'<>&`}">${1}</b>`;
  assert.is(inner.text, '<b title="&quot;&#39;&lt;&gt;&amp;">1</b>');
  assert.is(html`${[inner, inner]}${'a'}`.text, `${inner.text}${inner.text}a`);
});

test('a picture is a small JPEG of the same shape and colour', () => {
  const { width, height, url } = pictureOf(grey, 300, 85);
  assert.equal([width, height], [300, 100]);
  const jpeg = Buffer.from(url.replace(/^data:image\/jpeg;base64,/, ''), 'base64');
  const decoded = decodeImage(jpeg, 'the picture');
  assert.equal([decoded.width, decoded.height], [300, 100]);
  assert.ok(decoded.data.every((value) => Math.abs(value - 128) <= 2));
  const tiny = { width: 2, height: 1, data: Uint8Array.of(0, 0, 0, 255, 255, 255) };
  assert.equal([pictureOf(tiny, 300, 85).width, pictureOf(tiny, 300, 85).height], [2, 1]);
});

test('the page loads nothing, and holds a caption only as text', () => {
  const text = page();
  assert.not.match(text, /(src|href)="(?!data:)/);
  assert.not.match(text, /https?:|url\(|@import/);
  assert.match(text, 'default-src &#39;none&#39;');
  assert.is(text.match(/<script>/g)?.length, 1);
  assert.not.match(text, '<b>bold</b>');
  assert.match(text, '&lt;b&gt;bold&lt;/b&gt;');
  assert.is(text.match(/<section /g)?.length, 2);
  assert.match(text, /prefers-color-scheme: dark/);
});

test('the note says in words where a word looked', () => {
  const at = (place: number) =>
    noteOf('dog', captionOf(['dog'], [place]).attention?.weights[0] as Float32Array, side);
  assert.is(
    at(0),
    '“dog” looked most at the upper left: 100 % on one of 49 places, where an even look would have 2.0 %.',
  );
  assert.match(at(24), /at the centre:/);
  assert.match(at(27), /at the middle right:/);
  assert.match(at(45), /at the lower centre:/);
});

/** Alpha-weighted light of the map at a part of the picture's width and height, 0 where nothing is drawn. */
const lightAt = (section: number, x: number, y: number) =>
  opened.page.evaluate(
    ([number, across, down]) => {
      const { width, height } = document.querySelectorAll('canvas')[number];
      // Read from a copy: Chromium warns where a canvas that draws is read again and again.
      const copy = Object.assign(document.createElement('canvas'), { width, height });
      const context = copy.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
      context.drawImage(document.querySelectorAll('canvas')[number], 0, 0);
      const at = [Math.floor(across * width), Math.floor(down * height)];
      const [red, green, blue, alpha] = context.getImageData(at[0], at[1], 1, 1).data;
      return ((red + green + blue) * alpha) / 255;
    },
    [section, x, y],
  );
const activeText = () => opened.page.evaluate(() => document.activeElement?.textContent);
const noteText = (section: number) => opened.page.locator('.note').nth(section).textContent();

browserTest(
  'words are drawn where they looked, by pointer and by keyboard, without a complaint',
  async () => {
    const file = join(folder, 'page.html');
    writeFileSync(file, page());
    opened = await openPage(browser, pathToFileURL(file).href);
    const { page: tab } = opened;
    assert.is(await tab.title(), 'Where each word looked');
    const loaded = await tab.evaluate(() => [...document.images].map(({ naturalWidth }) => naturalWidth));
    assert.equal(loaded, [640, 640]);
    assert.is(await lightAt(0, 0.2, 0.2), 0, 'at first the picture alone');

    await tab.getByRole('button', { name: 'red' }).hover();
    // The first place lies at 13.5 of 75 pixels, the last at 61.5.
    assert.ok((await lightAt(0, 0.18, 0.18)) > (await lightAt(0, 0.82, 0.82)) + 200);
    assert.match(String(await noteText(0)), /^“red” looked most at the upper left/);
    await tab.mouse.move(0, 0);
    assert.is(await lightAt(0, 0.18, 0.18), 0, 'the pointer has gone');

    await tab.keyboard.press('Tab');
    assert.is(await activeText(), 'picture alone');
    await tab.keyboard.press('ArrowRight');
    await tab.keyboard.press('ArrowRight');
    assert.is(await activeText(), 'ball');
    assert.is(await tab.getByRole('button', { name: 'ball', pressed: true }).count(), 1);
    assert.ok((await lightAt(0, 0.82, 0.82)) > (await lightAt(0, 0.18, 0.18)) + 200);
    await tab.keyboard.press('ArrowRight');
    assert.is(await activeText(), 'picture alone', 'round at the end');
    await tab.keyboard.press('End');
    await tab.keyboard.press('Escape');
    assert.is(await lightAt(0, 0.82, 0.82), 0);
    await tab.keyboard.press('Tab');
    assert.match(String(await noteText(1)), 'not sure');
    await tab.keyboard.press('ArrowRight');
    assert.is(await activeText(), '<b>bold</b>');
    assert.is(await tab.getByRole('toolbar').count(), 2);
    assert.is(await tab.getByRole('region', { name: hostile }).count(), 1);
    assert.equal(opened.complaints, []);
  },
);

browserTest('the page has its colours by day and by night', async () => {
  const paper = () => opened.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await opened.page.emulateMedia({ colorScheme: 'light' });
  const day = await paper();
  await opened.page.emulateMedia({ colorScheme: 'dark' });
  assert.is.not(await paper(), day);
  assert.equal(opened.complaints, []);
});

test.run();
