// Captions the photographs of docs/gallery with the shipped model, for its card. Needs a build.
//
//   node scripts/model-card/gallery.mjs [--model DIR]
//
// Writes gallery.json into the model's folder, each caption as caption.js prints it with the digests of the model's files,
// and docs/gallery/README.md, the authors and terms of the photographs.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { table } from './trainings.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const { values } = parseArgs({
  options: { model: { type: 'string', default: join(root, 'models', 'flickr8k') } },
});

const folder = join(root, 'docs', 'gallery');
const { photographs } = JSON.parse(readFileSync(join(folder, 'photographs.json'), 'utf8'));
// The CPU device: its captions are the same on every machine with the same instructions, and it is always there.
const output = execFileSync(
  process.execPath,
  [
    join(root, 'dist', 'caption.js'),
    ...['--model', values.model, '--device', 'cpu', '--json'],
    ...photographs.map(({ file }) => join(folder, file)),
  ],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
);
const results = JSON.parse(output);
const captions = Object.fromEntries(
  results.map(({ caption, unsure }, index) => [
    photographs[index].file,
    unsure ? `not sure: ${caption}` : caption,
  ]),
);
const model = Object.fromEntries(
  ['config.json', 'tokenizer.json', 'decoder.safetensors', 'encoder.safetensors'].map((name) => [
    name,
    createHash('sha256')
      .update(readFileSync(join(values.model, name)))
      .digest('hex'),
  ]),
);
const gallery = { format: 'ekphrasis-gallery', version: 1, model, captions };
writeFileSync(join(values.model, 'gallery.json'), `${JSON.stringify(gallery, null, 2)}\n`);

const linked = (text, page) => (page ? `[${text}](${page})` : text);
writeFileSync(
  join(folder, 'README.md'),
  `<!-- Written by scripts/model-card/gallery.mjs from photographs.json: change that, not this. -->

# Photographs of the model card

${photographs.length} free photographs with which \`models/flickr8k/README.md\` shows what the shipped model says. Each was made smaller; those that
are cut out were put on white, and the bedroom and the desk are views out of a panorama. Each keeps its own terms, which
the project's licence does not replace. \`judgements.json\` says how right each caption is, judged by eye.

${table(
  ['file', 'shows', 'author', 'terms', 'from'],
  photographs.map(({ file, shows, author, terms, page, source }) => [
    linked(file, file),
    shows,
    author,
    linked(terms, page),
    `${source.package}, \`${source.file}\``,
  ]),
)}

The terms are those that the package states: in its copyright file or metadata, for tuxpaint-stamps-default in its
changelog, for gcompris-qt-data in the README beside each picture in the source of GCompris.
`,
);
