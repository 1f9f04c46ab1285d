// Makes docs/captions.png, the picture in the README: the test photographs above the captions that the shipped model gives
// them. Needs a build and a Chromium (`npm run setup`).
//
//   node scripts/picture.mjs [--captions FILE] [--out FILE]
//
// --captions takes the captions from a file that `node dist/caption.js --json` wrote, instead of running it.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { findChromium } from './chromium.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

/** A README is read over slow lines too. */
const largestBytes = 300_000;
const photoHeight = 138;

const { values: options } = parseArgs({
  options: { captions: { type: 'string' }, out: { type: 'string', default: 'docs/captions.png' } },
});

const images = readdirSync('test/images')
  .filter((name) => name.endsWith('.jpg'))
  .sort()
  .map((name) => `test/images/${name}`);

/** The captions of the images, in their order. */
function readCaptions() {
  const json = options.captions
    ? readFileSync(options.captions, 'utf8')
    : execFileSync(process.execPath, ['dist/caption.js', '--json', ...images], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
  const results = JSON.parse(json);
  return images.map((path) => {
    const { caption, unsure } = results.find((result) => result.path === path) ?? {};
    if (!caption) throw new Error(`no caption of ${path} was given`);
    return unsure ? `not sure: ${caption}` : caption;
  });
}

const asHtml = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function page(captions) {
  const cards = images.map((path, index) => {
    const source = `data:image/jpeg;base64,${readFileSync(path).toString('base64')}`;
    return `<figure><img src="${source}" alt=""><figcaption>${asHtml(captions[index])}</figcaption></figure>`;
  });
  return `<!doctype html>
<meta charset="utf-8">
<style>
  body { margin: 0; width: max-content; padding: 20px; background: #fff; color: #1f2328; }
  code { display: block; margin-bottom: 16px; font: 14px monospace; color: #59636e; }
  div { display: flex; gap: 14px; align-items: flex-start; }
  figure { margin: 0; display: table; }
  img { display: block; height: ${photoHeight}px; border-radius: 4px; }
  figcaption { display: table-caption; caption-side: bottom; padding-top: 8px; font: 14px/1.35 sans-serif; }
</style>
<code>$ node dist/caption.js test/images/*.jpg</code>
<div>${cards.join('')}</div>`;
}

async function draw(html) {
  const found = await findChromium();
  if (!found) throw new Error('no Chromium runs here: `npm run setup` installs it or says how');
  const browser = await chromium.launch({ executablePath: found.path, args: ['--no-sandbox'] });
  try {
    const tab = await browser.newPage();
    await tab.setContent(html, { waitUntil: 'load' });
    return await tab.locator('body').screenshot({ type: 'png' });
  } finally {
    await browser.close();
  }
}

try {
  const png = await draw(page(readCaptions()));
  if (png.length > largestBytes) {
    throw new Error(`the picture has ${png.length} bytes, more than ${largestBytes}: lower photoHeight`);
  }
  writeFileSync(options.out, png);
  console.log(`${options.out}: ${png.length} bytes`);
} catch (error) {
  console.error(`picture: ${error.message}`);
  process.exitCode = 1;
}
