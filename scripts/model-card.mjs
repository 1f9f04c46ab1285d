// Writes the card of a model, README.md in its folder, from the figures that lie beside it: config.json and
// tokenizer.json, training.json and fine-tuning.json (train writes them), an evaluation for each data set, which comes from
//
//   node dist/evaluate.js --data flickr8k --model models/flickr8k --beam 3 --beam 1 --json models/flickr8k/evaluation.json
//   node dist/evaluate.js --data everyday --model models/flickr8k --beam 3 --beam 1 --json models/flickr8k/evaluation-everyday.json
//
// and, if they are there, steps.json: the scores of the models on the way, from the same command; and gallery.json: captions
// of the photographs in docs/gallery, from `node scripts/model-card/gallery.mjs`.
//
//   node scripts/model-card.mjs [--check] [--model DIR]
//
// Figures are refused where they were not measured on the very files in the folder. With --check nothing is written: it
// exits 1 where the card is not what would be written, and 2 where it cannot be made.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { architectureText, lookingLimit } from './model-card/architecture.mjs';
import { devCaptionsText } from './model-card/dev-captions.mjs';
import { photographsText } from './model-card/photographs.mjs';
import { addSteps, count, fineTuningText, table, trainingText } from './model-card/trainings.mjs';

class CardError extends Error {}

function readFile(folder, name) {
  const path = join(folder, name);
  if (!existsSync(path)) throw new CardError(`${path} is missing`);
  return readFileSync(path);
}

const digestOf = (folder, name) => createHash('sha256').update(readFile(folder, name)).digest('hex');

function readJson(folder, name, format) {
  const path = join(folder, name);
  let value;
  try {
    value = JSON.parse(readFile(folder, name).toString());
  } catch (error) {
    if (error instanceof CardError) throw error;
    throw new CardError(`${path} is not JSON: ${error.message}`);
  }
  if (value?.format !== format || value.version !== 1) {
    throw new CardError(`${path} is ${value?.format} ${value?.version}, expected ${format} 1`);
  }
  return value;
}

/** The evaluations' figures, if they are of all development images, at both widths, and of the files that lie here. */
function readEvaluations(folder) {
  return readdirSync(folder)
    .filter((name) => /^evaluation(-.*)?\.json$/.test(name))
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
    .map((file) => {
      const set = /^evaluation-(.*)\.json$/.exec(file)?.[1] ?? 'flickr8k';
      return { ...readEvaluation(folder, file), set, file };
    });
}

function readEvaluation(folder, file) {
  const evaluation = readJson(folder, file, 'ekphrasis-evaluation');
  const { data, model, runs } = evaluation;
  if (data.split !== 'dev' || data.limit !== null) {
    throw new CardError(`${file} scores ${data.limit ?? 'all'} images of ${data.split}, expected all of dev`);
  }
  for (const [name, { sha256 }] of Object.entries(model)) {
    if (digestOf(folder, name) !== sha256) {
      throw new CardError(`${file} was measured with another ${name}: run evaluate again`);
    }
  }
  const [beam, greedy] = [3, 1].map((width) => {
    const run = runs.find((one) => one.beam === width);
    if (!run) throw new CardError(`${file} has no scores for beam ${width}`);
    return run;
  });
  return { ...evaluation, beam, greedy };
}

/** The fine-tunings of the encoder, the first one first; none where there is no file of them. */
function readFineTunings(folder) {
  if (!existsSync(join(folder, 'fine-tuning.json'))) return [];
  const steps = [];
  addSteps(readJson(folder, 'fine-tuning.json', 'ekphrasis-fine-tuning'), steps);
  return steps;
}

/** The trainings and averages that led to the model, each once and after what it began with, if of a model like this one. */
function readTraining(folder, config) {
  const steps = [];
  addSteps(readJson(folder, 'training.json', 'ekphrasis-training'), steps);
  const trainings = steps.filter((step) => !step.averageOf);
  for (const { settings, wordIds } of trainings) {
    const trained = { encoder: settings.encoder, decoder: { ...settings.decoder, vocabulary: wordIds } };
    for (const part of ['encoder', 'decoder']) {
      if (!isDeepStrictEqual(trained[part], config[part])) {
        throw new CardError(`training.json is of another model: its ${part} is not that of config.json`);
      }
    }
  }
  const [{ images, device }] = trainings;
  if (trainings.some((training) => !isDeepStrictEqual(training.images, images))) {
    throw new CardError('training.json joins trainings on other data');
  }
  return { steps, images, device };
}

const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function scoreTable({ beam, greedy, scale }) {
  const columns = [beam.scores, greedy.scores, scale.person, scale.constant.scores];
  if (!scale.person) throw new CardError('evaluation.json has no scores of a person');
  const row = (name, show) => [name, ...columns.map(show)];
  const ratios = ['CIDEr', 'BLEU-4', 'BLEU-3', 'BLEU-2', 'BLEU-1', 'ROUGE-L'];
  return table(
    ['', 'beam 3', 'greedy', 'one person', 'one sentence for all'],
    [
      ...ratios.map((name) => row(name, (scores) => scores[name].toFixed(3))),
      row('words a caption', ({ meanLength }) => meanLength.toFixed(1)),
      row('different captions', ({ distinctCaptions }) => count(distinctCaptions)),
    ],
  );
}

/** The scores of the models on the way, a row a step. */
function stepsText(folder) {
  if (!existsSync(join(folder, 'steps.json'))) return '';
  const { steps } = readJson(folder, 'steps.json', 'ekphrasis-steps');
  const sets = Object.keys(steps[0].scores);
  const text = table(
    ['step', 'minutes', ...sets.map((set) => `${set} dev CIDEr / BLEU-4`)],
    steps.map(({ name, minutes, scores }) => [
      name,
      minutes ?? '',
      ...sets.map((set) => `${scores[set].CIDEr.toFixed(3)} / ${scores[set]['BLEU-4'].toFixed(3)}`),
    ]),
  );
  return `Step by step, at beam 3:\n\n${text}\n\n`;
}

/** Thirty of the captions that were scored, where they were kept. */
function devText(folder) {
  if (!existsSync(join(folder, 'dev-captions.json'))) return '';
  const { model, captions } = readJson(folder, 'dev-captions.json', 'ekphrasis-dev-captions');
  checkModel(folder, model, 'dev-captions.json', 'dev-captions.mjs');
  return `${devCaptionsText(captions)}\n`;
}

/** Throws where a file was made with other files than those of the folder. */
function checkModel(folder, model, file, script) {
  for (const [name, digest] of Object.entries(model)) {
    if (digestOf(folder, name) !== digest) {
      throw new CardError(`${file} is of another ${name}: run \`node scripts/model-card/${script}\``);
    }
  }
}

/** The photographs with their captions, if this very model has captioned them. */
function galleryText(folder) {
  if (!existsSync(join(folder, 'gallery.json'))) return '';
  const { model, captions } = readJson(folder, 'gallery.json', 'ekphrasis-gallery');
  checkModel(folder, model, 'gallery.json', 'gallery.mjs');
  const gallery = join(dirname(fileURLToPath(import.meta.url)), '..', 'docs', 'gallery');
  const { photographs } = readJson(gallery, 'photographs.json', 'ekphrasis-photographs');
  const { judgements } = readJson(gallery, 'judgements.json', 'ekphrasis-judgements');
  return `${photographsText({ photographs, captions, judgements, folder: relative(folder, gallery) })}\n`;
}

const purposes = {
  'config.json': 'what the weights mean and how they are joined',
  'encoder.safetensors': 'InceptionV3 up to the last block that is read',
  'decoder.safetensors': 'projection, LSTM and output layer',
  'tokenizer.json': 'the words and their ids',
  'training.json': 'settings and losses of the training',
  'fine-tuning.json': 'the same of the encoder',
  'evaluation.json': 'the scores on Flickr8k, in full',
  'evaluation-everyday.json': 'the scores on everyday, in full',
  'steps.json': 'the scores of the models on the way',
  'dev-captions.json': 'thirty of the captions that were scored',
  'gallery.json': 'captions of the photographs in `docs/gallery`',
  'LICENSE-encoder': 'licence and origin of the encoder',
};

/** What not every model has. */
const optional = new Set([
  'fine-tuning.json',
  'evaluation-everyday.json',
  'steps.json',
  'dev-captions.json',
  'gallery.json',
]);

const fileTable = (folder) =>
  table(
    ['file', 'size', 'what it is'],
    Object.entries(purposes)
      .filter(([name]) => !optional.has(name) || existsSync(join(folder, name)))
      .map(([name, purpose]) => [`\`${name}\``, size(readFile(folder, name).length), purpose]),
  );

/** How common the words for people and animals are, as the training's captions have it. */
function rankOf(tokenizer) {
  const special = new Set([tokenizer.unknownWord, tokenizer.startWord, tokenizer.endWord]);
  const words = tokenizer.words.filter((word) => !special.has(word));
  return (word) => {
    const rank = words.indexOf(word) + 1;
    if (rank === 0) throw new CardError(`tokenizer.json lacks the word "${word}"`);
    return rank;
  };
}

function scoresText({ set, data, scale, file, ...evaluation }) {
  return `### ${set}: ${count(data.images)} dev images

${scoreTable({ ...evaluation, scale })}

"One person" is the first human caption of every image against the others, and "one sentence for all" is
"${scale.constant.caption}".

    node dist/evaluate.js --data ${set} --beam 3 --beam 1 --json ${file}`;
}

/** What the card says of its confidence: where the model is not sure, and what that threshold divides. */
function confidenceText({ unsureBelow }) {
  if (unsureBelow === undefined || unsureBelow === null) return '';
  return `Where the mean log-probability of a caption's words is below ${unsureBelow}, \`caption.js\` says "not sure: …". The
threshold was chosen on dev, see \`evaluation.json\`.

`;
}

function card(folder) {
  const config = readJson(folder, 'config.json', 'ekphrasis-captioner');
  const training = readTraining(folder, config);
  const fineTunings = readFineTunings(folder);
  const evaluations = readEvaluations(folder);
  if (evaluations.length === 0) throw new CardError(`${join(folder, 'evaluation.json')} is missing`);
  const rank = rankOf(readJson(folder, 'tokenizer.json', 'ekphrasis-tokenizer'));
  const { encoder, decoder } = config;
  const [{ date, program, device, beam }] = evaluations;
  const ranks = ['man', 'boy', 'woman', 'girl', 'dog', 'cat']
    .map((word) => `${word} ${rank(word)}`)
    .join(', ');
  return `<!-- Written by scripts/model-card.mjs from the JSON files in this folder: change those, not this. -->

# The shipped captioner

Describes a photograph in one English sentence. It is the model that \`node dist/caption.js\` uses when none is named.

${architectureText(config, count)}

## Data

${count(training.images.train)} photographs to train on and ${count(training.images.dev)} (dev) to choose epochs and the search's settings, all of them copies of 224 × 224
pixels, aspect ratio not kept. They come from two sets, joined as they are: every photograph once an epoch, with all of its captions.

- **flickr8k**: Flickr8k (M. Hodosh, P. Young and J. Hockenmaier 2013, "Framing image description as a ranking task: data,
  models and evaluation metrics", Journal of Artificial Intelligence Research 47), the official training and dev images:
  photographs from Flickr, mostly of people and dogs, each described by five people. Given out for research use.
- **everyday**: photographs of kitchens, cats, buses, food, toys, animals, tools and more. 3,649 training and 500 dev photographs of
  MS COCO with five human captions each (captions CC BY 4.0, photographs under their Flickr licences); 4,680 more of MS COCO,
  1,000 of ImageNet and 760 of Caltech-101 (both for research), with three captions each that a vision-language model wrote.

None of these photographs are in this project. The official test split of Flickr8k was not used.

## The encoder

It began as an InceptionV3 that TensorFlow's authors had trained on ImageNet (Apache-2.0, see \`LICENSE-encoder\`). Every one of its
convolutions was then trained further here, to tell which words the captions of a photograph have; a word's target is the share
of the captions that have it. What lies above ${encoder.outputs[encoder.outputs.length - 1]} is left out.
${fineTunings.length === 0 ? '' : `\n${fineTuningText(fineTunings)}\n`}
## Training

\`flickr8k\` and \`everyday\` are the folders of the data sets. Losses are means per word in nats; of each training the epoch in bold was
kept, which has the lowest dev loss, or, where rewards were trained on, the highest CIDEr. Dev CIDEr is the mean of the data sets'.
The device: ${training.device}.

${trainingText(training)}

## Scores

By this project's metrics, which follow the COCO caption evaluation (CIDEr is CIDEr-D, 1.0 being 100 in most tables). These
images chose the epochs and the search's settings, so on others expect a little less.

${stepsText(folder)}${evaluations.map(scoresText).join('\n\n')}

Measured on ${date.slice(0, 10)} with ekphrasis ${program} (${device.description}),
${beam.secondsPerCaption.toFixed(3)} seconds a caption at beam 3 once the image's features are there.

${devText(folder)}${confidenceText(config)}${galleryText(folder)}## Limits

- Counts, colours and what lies where are often wrong, in sentences that sound sure.
- ${lookingLimit(config)}
- It knows some ${count(decoder.vocabulary)} words. What has no word among them gets the nearest that it knows.
- It writes English alone, in the manner of its captions.

## Biases

It repeats how its captions speak of people. Where these words stand among all, by how often the training's captions
use them: ${ranks}. So it guesses sex and age from what people wear and do, and prefers the commoner
word. The photographs are those that users of Flickr took, and the captions those of crowd workers and of a model; neither stands for the
world.

Never use it for decisions about people, nor to identify or watch them, nor where a wrong description does harm, such
as guiding someone who cannot see.

## Files

${fileTable(folder)}

\`LICENSE-encoder\` says on which terms the encoder's first weights came. The project's own licence covers what was trained here, but what
it learned from is for research use: whoever wants to use it otherwise has to settle that for themselves.
`;
}

function main() {
  const { values } = parseArgs({
    options: {
      check: { type: 'boolean', default: false },
      model: { type: 'string', default: join('models', 'flickr8k') },
    },
  });
  const path = join(values.model, 'README.md');
  const text = card(values.model);
  if (!values.check) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    console.error(`${path} is stale: run \`node scripts/model-card.mjs\``);
    process.exitCode = 1;
  }
}

try {
  main();
} catch (error) {
  console.error(`model-card: ${error.message}`);
  process.exitCode = 2;
}
