// Writes the card of a model, README.md in its folder, from the figures that lie beside it: config.json and
// tokenizer.json, training.json (train writes it) and evaluation.json, which comes from
//
//   node dist/evaluate.js --data DIR --model models/flickr8k --beam 3 --beam 1 --json models/flickr8k/evaluation.json
//
//   node scripts/model-card.mjs [--check] [--model DIR]
//
// Figures are refused where they were not measured on the very files in the folder. With --check nothing is written: it
// exits 1 where the card is not what would be written, and 2 where it cannot be made.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';

class CardError extends Error {}

function readFile(folder, name) {
  const path = join(folder, name);
  if (!existsSync(path)) throw new CardError(`${path} is missing`);
  return readFileSync(path);
}

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

/** The evaluation's figures, if they are of all development images, at both widths, and of the files that lie here. */
function readEvaluation(folder) {
  const evaluation = readJson(folder, 'evaluation.json', 'ekphrasis-evaluation');
  const { data, model, runs } = evaluation;
  if (data.split !== 'dev' || data.limit !== null) {
    throw new CardError(
      `evaluation.json scores ${data.limit ?? 'all'} images of ${data.split}, expected all of dev`,
    );
  }
  for (const [name, { sha256 }] of Object.entries(model)) {
    const bytes = readFile(folder, name);
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
      throw new CardError(`evaluation.json was measured with another ${name}: run evaluate again`);
    }
  }
  const [beam, greedy] = [3, 1].map((width) => {
    const run = runs.find((one) => one.beam === width);
    if (!run) throw new CardError(`evaluation.json has no scores for beam ${width}`);
    return run;
  });
  return { ...evaluation, beam, greedy };
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

/** What a step began with. */
const beginnings = ({ averageOf, before }) => averageOf ?? (before ? [before] : []);

function addSteps(step, steps) {
  for (const earlier of beginnings(step)) addSteps(earlier, steps);
  if (!steps.some((other) => isDeepStrictEqual(other, step))) steps.push(step);
}

/** The command of a step with names of folders that do not depend on where it was run: model1, model2 …, at last model. */
function portable(step, steps) {
  const nameOf = (other) => {
    const index = steps.findIndex((one) => isDeepStrictEqual(one, other));
    return index === steps.length - 1 ? 'model' : `model${index + 1}`;
  };
  const begun = beginnings(step).map(nameOf).join();
  const names = {
    data: 'flickr8k',
    out: nameOf(step),
    from: begun,
    average: begun,
    cache: '.cache/features',
    encoder: 'encoder.safetensors',
  };
  return step.command.replace(
    /--(data|out|from|average|cache|encoder)([= ])\S+/g,
    (_, flag, between) => `--${flag}${between}${names[flag]}`,
  );
}

const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const count = (number) => number.toLocaleString('en-US');
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

function settingsTable({ settings, wordIds }) {
  const { captions, schedule, dropout } = settings;
  return table(
    ['setting', 'value'],
    [
      ['articles', captions.articles === 'keep' ? 'kept' : 'left out'],
      ['longest caption', `${captions.maximumWords} words`],
      [
        'captions',
        captions.best ? `of each image the ${captions.best} that agree best with its others` : 'all',
      ],
      ['vocabulary', `words seen at least ${captions.minimumCount} times; ${count(wordIds)} ids`],
      ['batch', `${schedule.batchImages} images, each with all of its captions`],
      ['optimiser', optimiserText(settings)],
      ['learning rate', rateText(schedule)],
      ['norm of all gradients', `at most ${schedule.clipNorm}`],
      ['dropout', `encoding ${dropout.encoding}, words ${dropout.embedding}, output ${dropout.output}`],
      [
        'epochs',
        `at most ${settings.epochs}, stopping after ${settings.patience} without a better ${settings.chooseBy === 'cider' ? 'dev CIDEr' : 'dev loss'}`,
      ],
      ['seed', settings.seed],
      ['decoder stored as', settings.precision],
    ],
  );
}

const optimiserText = ({ optimiser, weightDecay = 0, momentum = 0 }) =>
  optimiser +
  (weightDecay > 0 ? `, weight decay ${weightDecay}` : '') +
  (momentum > 0 ? `, momentum ${momentum}` : '');

/** How the learning rate went; reports of older trainings name no kind, and all of them went by epochs. */
function rateText({ learningRate, kind = 'step', warmUp = 0, decay, decayAfter, decayEvery = null }) {
  const period = decayEvery === null ? 'epoch' : `${decayEvery} steps`;
  const after = decayEvery === null ? decayAfter : `${decayAfter} times that many`;
  const course = {
    constant: '',
    step: `, times ${decay} at every ${period} after ${after}`,
    cosine: ', falling to 0 by half a cosine',
  }[kind];
  return `${learningRate}${course}${warmUp > 0 ? `; rising over the first ${warmUp} steps` : ''}`;
}

/** Every step that led to the model, the first one first. */
function trainingText({ steps }) {
  return steps
    .map((step) => `    ${portable(step, steps)}${step.averageOf ? '' : `\n\n${stageText(step)}`}`)
    .join('\n\n');
}

function stageText(training) {
  const resumed = /\s--resume\b/.test(training.command)
    ? 'This is its last part, which went on from a checkpoint; the settings below hold for all of it.\n\n'
    : '';
  const { best } = training.settings.captions;
  const kind = best ? `Losses here, on dev too, are over the ${best} captions an image alone.\n\n` : '';
  return `${resumed}${kind}${settingsTable(training)}\n\n${epochTable(training)}`;
}

function epochTable({ epochs, best }) {
  return table(
    ['epoch', 'learning rate', 'loss', 'dev loss', 'seconds'],
    epochs.map(({ epoch, learningRate, trainLoss, devLoss, seconds }) => [
      epoch === best.epoch ? `**${epoch}**` : epoch,
      learningRate.toPrecision(3),
      trainLoss.toFixed(3),
      devLoss.toFixed(3),
      Math.round(seconds),
    ]),
  );
}

const purposes = {
  'config.json': 'what the weights mean and how they are joined',
  'encoder.safetensors': 'InceptionV3, 8 bits a weight',
  'decoder.safetensors': 'projection, LSTM and output layer',
  'tokenizer.json': 'the words and their ids',
  'training.json': 'settings and losses of the training',
  'evaluation.json': 'the scores above, in full',
  'LICENSE-encoder': 'licence and origin of the encoder',
};

const fileTable = (folder) =>
  table(
    ['file', 'size', 'what it is'],
    Object.entries(purposes).map(([name, purpose]) => [
      `\`${name}\``,
      size(readFile(folder, name).length),
      purpose,
    ]),
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

function card(folder) {
  const config = readJson(folder, 'config.json', 'ekphrasis-captioner');
  const training = readTraining(folder, config);
  const evaluation = readEvaluation(folder);
  const rank = rankOf(readJson(folder, 'tokenizer.json', 'ekphrasis-tokenizer'));
  const { encoder, decoder } = config;
  const { scale, beam } = evaluation;
  if (encoder.pooling !== 'average' || decoder.attention || decoder.initialState !== 'dense') {
    throw new CardError('config.json is of another kind of model than the words of this script describe');
  }
  const images = evaluation.data.images;
  const ranks = ['man', 'boy', 'woman', 'girl', 'dog', 'cat']
    .map((word) => `${word} ${rank(word)}`)
    .join(', ');
  const reduced = encoder.reduceTo
    ? ` (larger ones averaged down to ${encoder.reduceTo} × ${encoder.reduceTo} before, the size of the training images)`
    : '';
  return `<!-- Written by scripts/model-card.mjs from the JSON files in this folder: change those, not this. -->

# Flickr8k captioner

Describes a photograph in one English sentence. It is the model that \`node dist/caption.js\` uses when none is named.

An InceptionV3 looks at the image, resized to ${encoder.imageSide} × ${encoder.imageSide} pixels${reduced}; the outputs of ${encoder.outputs.join(' and ')} are averaged
over its places, and of the square roots, standardised, a dense layer makes ${encoder.projection.units} numbers. With these and the word
before (${decoder.embedding} numbers), an LSTM of ${decoder.units} units chooses word after word out of ${count(decoder.vocabulary)}, at most ${decoder.maximumLength} in a caption.

## Data

The decoder was trained on Flickr8k (M. Hodosh, P. Young and J. Hockenmaier 2013, "Framing image description as a
ranking task: data, models and evaluation metrics", Journal of Artificial Intelligence Research 47): photographs from
Flickr, each described by five people. Of its official split, ${count(training.images.train)} images were for training and ${count(training.images.dev)} (dev) for choosing
the epochs and the search's settings. The photographs were copies of 224 × 224 pixels, aspect ratio not kept. Flickr8k is given out for research use, and
none of its photographs are in this project.

The encoder came trained, see \`LICENSE-encoder\`, and was left as it is.

## Training

\`flickr8k\` is the folder of the data set. Losses are means per word in nats; of each training the epoch in bold was kept, which
has the lowest dev loss.${training.steps.length > 1 ? ` The model came of ${training.steps.length} steps, the last of which made it; \`--average\` takes the mean of models, one that is named twice counting twice.` : ''} The device: ${training.device}.

${trainingText(training)}

## Scores

On the ${count(images)} dev images, by this project's metrics, which follow the COCO caption evaluation (CIDEr is CIDEr-D, 1.0 being
100 in most tables). These images chose the epochs, the models that were averaged and the search's settings, so on others expect a little less. The official test split was not used.

${scoreTable(evaluation)}

For scale, "one person" is the first human caption of every image against the other four, and "one sentence for all"
is "${scale.constant.caption}".

Measured on ${evaluation.date.slice(0, 10)} with ekphrasis ${evaluation.program} (${evaluation.device.description}),
${beam.secondsPerCaption.toFixed(3)} seconds a caption at beam 3 once the image's features are there:

    node dist/evaluate.js --data flickr8k --beam 3 --beam 1 --json evaluation.json

## Limits

- It was taught by ${count(training.images.train)} photographs, mostly of people and dogs doing something outdoors. Of other things
  (food, rooms, drawings, screens, texts) it often makes people and dogs too.
- Counts, colours and what lies where are often wrong, in sentences that sound sure. It never says that it does not
  know.
- It looks at the whole image at once, squeezed into a square: what is small in it is easily missed.
- The encoder's layers above mixed5 were tuned for another task than naming things (\`LICENSE-encoder\`), so it sees less than an
  InceptionV3 of ImageNet would.
- It writes English alone, in the manner of Flickr8k's captions.

## Biases

It repeats how its captions speak of people. Where these words stand among all, by how often the training's captions
use them: ${ranks}. So it guesses sex and age from what people wear and do, and prefers the commoner
word. The photographs are those that users of Flickr took, and the captions those of crowd workers; neither stands for the world.

Never use it for decisions about people, nor to identify or watch them, nor where a wrong description does harm, such
as guiding someone who cannot see.

## Files

${fileTable(folder)}

The encoder is under the MIT licence in \`LICENSE-encoder\`. The project's own licence covers the decoder, but what it
learned from is for research use: whoever wants to use it otherwise has to settle that for themselves.
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
