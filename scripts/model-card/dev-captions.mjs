// Takes thirty development captions for the card of a model, from the scores of each image that evaluate wrote beside the
// evaluation in the model's folder:
//
//   node dist/evaluate.js --data flickr8k --beam 3 --beam 1 --json models/flickr8k/evaluation.json --per-image flickr8k.json
//   node dist/evaluate.js --data everyday --beam 3 --beam 1 --json models/flickr8k/evaluation-everyday.json --per-image everyday.json
//   node scripts/model-card/dev-captions.mjs flickr8k.json everyday.json [--model DIR]
//
// Writes dev-captions.json: evenly chosen images, whatever was said of them. The photographs and what people wrote of them
// stay out: they are not ours to give.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from './trainings.mjs';

const shown = { flickr8k: 20, everyday: 10 };

/** The captions of a set, evenly chosen. Throws where their scores are not those of the evaluation. */
function chosen(set, images, evaluation) {
  const runs = images.map(({ image, runs }) => ({ image, ...runs.find(({ beam }) => beam === 3) }));
  const mean = runs.reduce((sum, run) => sum + run.CIDEr, 0) / runs.length;
  const wanted = evaluation.runs.find(({ beam }) => beam === 3).scores.CIDEr;
  if (Math.abs(mean - wanted) > 1e-9) {
    throw new Error(`the captions of ${set} have a mean CIDEr of ${mean}, and the evaluation says ${wanted}`);
  }
  const count = shown[set];
  return Array.from({ length: count }, (_, index) => {
    const { image, caption, CIDEr } = runs[Math.floor(((index + 0.5) * runs.length) / count)];
    return { set, image, caption, CIDEr };
  });
}

/** The section of the card. */
export function devCaptionsText(captions) {
  return `### Thirty of them

Evenly chosen among the dev images, with what the model says of each at beam 3, and its CIDEr. The photographs are not ours to show.

${table(
  ['set', 'image', 'caption', 'CIDEr'],
  captions.map(({ set, image, caption, CIDEr }) => [set, `\`${image}\``, caption, CIDEr.toFixed(2)]),
)}
`;
}

/** Writes the file; `paths` are those of the images' scores. */
export function writeDevCaptions(paths, folder) {
  let model = {};
  const captions = paths.flatMap((path) => {
    const set = basename(path, '.json');
    const name = set === 'flickr8k' ? 'evaluation.json' : `evaluation-${set}.json`;
    const evaluation = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    model = Object.fromEntries(Object.entries(evaluation.model).map(([file, { sha256 }]) => [file, sha256]));
    return chosen(set, JSON.parse(readFileSync(path, 'utf8')).images, evaluation);
  });
  const content = { format: 'ekphrasis-dev-captions', version: 1, model, captions };
  writeFileSync(join(folder, 'dev-captions.json'), `${JSON.stringify(content, null, 1)}\n`);
}

if (process.argv[1]?.endsWith('dev-captions.mjs')) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { model: { type: 'string', default: join('models', 'flickr8k') } },
  });
  try {
    writeDevCaptions(positionals, values.model);
  } catch (error) {
    console.error(`dev-captions: ${error.message}`);
    process.exitCode = 1;
  }
}
