// The photographs of docs/gallery, which the model's card shows: all there, with terms, and with the captions of the shipped model.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

interface Photograph {
  file: string;
  shows: string;
  author: string;
  terms: string;
  source: { package: string; file: string };
}

const folder = join('docs', 'gallery');
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const photographs: Photograph[] = readJson(join(folder, 'photographs.json')).photographs;
const captions: Record<string, string> = readJson('models/flickr8k/gallery.json').captions;
const files = photographs.map(({ file }) => file);

test('every photograph is there, with its source, author and free terms', () => {
  assert.equal(
    readdirSync(folder)
      .filter((name) => name.endsWith('.jpg'))
      .sort(),
    [...files].sort(),
  );
  for (const { file, shows, author, terms, source } of photographs) {
    assert.match(terms, /^(public domain|CC0 1\.0|CC BY(-SA)? \d\.\d)$/, file);
    for (const text of [shows, author, source.package, source.file]) assert.ok(text, file);
  }
});

test('the captions kept for the card are those of the shipped model', () => {
  const some = files.slice(0, 3);
  const paths = some.map((file) => join(folder, file));
  const output = execFileSync(process.execPath, ['dist/caption.js', '--device', 'cpu', '--json', ...paths], {
    encoding: 'utf8',
  });
  const said = JSON.parse(output).map((result: { caption: string; unsure: boolean }) =>
    result.unsure ? `not sure: ${result.caption}` : result.caption,
  );
  assert.equal(
    said,
    some.map((file) => captions[file]),
  );
});

test('a judgement of another caption than the present one does not count', async () => {
  const module = pathToFileURL(resolve('scripts/model-card/photographs.mjs')).href;
  const { photographsText } = await import(module);
  const judgements = {
    'a.jpg': { caption: 'a cat', verdict: 'right' },
    'b.jpg': { caption: 'a cup', verdict: 'wrong' },
  };
  const text = photographsText({
    photographs: [
      { file: 'a.jpg', shows: 'cat' },
      { file: 'b.jpg', shows: 'bus' },
    ],
    captions: { 'a.jpg': 'a cat', 'b.jpg': 'a bus' },
    judgements,
    folder: 'photographs',
  });
  assert.match(text, '**1 right, 1 not judged yet**');
  assert.match(text, '| bus | a bus | not judged yet |');
});

test.run();
