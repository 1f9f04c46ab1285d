// What the card of a model says of how it was trained: commands, settings and losses of every step.
import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

/** What a step began with. */
const beginnings = ({ averageOf, before }) => averageOf ?? (before ? [before] : []);

export function addSteps(step, steps) {
  for (const earlier of beginnings(step)) addSteps(earlier, steps);
  if (!steps.some((other) => isDeepStrictEqual(other, step))) steps.push(step);
}

/**
 * The command of a step with names of folders that do not depend on where it was run: model1, model2 … and at last model;
 * of the encoder's steps encoder1 … and at last encoder. Data sets keep the name of their folder.
 */
function portable(step, steps, kind = 'model') {
  const nameOf = (other) => {
    const index = steps.findIndex((one) => isDeepStrictEqual(one, other));
    return index === steps.length - 1 ? kind : `${kind}${index + 1}`;
  };
  const begun = beginnings(step).map(nameOf).join();
  const encoder =
    kind === 'model' ? 'encoder/encoder.safetensors' : `${begun || 'inception-v3-imagenet'}.safetensors`;
  const names = {
    out: nameOf(step),
    from: begun,
    average: begun,
    cache: '.cache/features',
    encoder: begun && kind === 'encoder' ? `${begun}/encoder.safetensors` : encoder,
  };
  return step.command.replace(
    /--(data|out|from|average|cache|encoder)([= ])(\S+)/g,
    (_, flag, between, value) => `--${flag}${between}${flag === 'data' ? basename(value) : names[flag]}`,
  );
}

export const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
export const count = (number) => number.toLocaleString('en-US');
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
      ...objectiveRows(settings),
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

/** What is trained for, where that is not the captions' cross-entropy. */
function objectiveRows({ objective, selfCritical }) {
  if (objective !== 'cider') return [];
  const { samples, baseline, crossEntropy } = selfCritical;
  const other = baseline === 'mean' ? "the image's other samples" : 'the greedy sentence';
  return [
    ['objective', `CIDEr-D of ${samples} sampled sentences an image, each compared with ${other}`],
    ['cross-entropy beside it', crossEntropy],
  ];
}

/** Every fine-tuning of the encoder. */
export function fineTuningText(steps) {
  return steps
    .map((step) => `    ${portable(step, steps, 'encoder')}\n\n${fineTuningTables(step)}`)
    .join('\n\n');
}

function fineTuningTables({ settings, epochs, images, steps }) {
  const { augmentation: varied, objectives = [{ name: 'words' }] } = settings;
  const settingRows = [
    ['trained', `from ${settings.first} up; ${settings.outputs.join(' and ')} are read`],
    ['images', `${count(images)}, ${settings.imageSide} pixels a side`],
    [
      'varied by',
      `${varied.flip ? 'mirroring, ' : ''}crops of ${varied.crop} or more, colours by ${varied.colour}`,
    ],
    ...objectives.filter(({ name }) => name === 'words').map(() => ['words', count(settings.words)]),
    ['steps', `${count(steps)} of ${settings.batchImages * settings.accumulate} images`],
    [
      'learning rates',
      `${settings.encoderRate} (encoder), ${objectives.map(({ name }) => `${name === 'captions' ? settings.decoderRate : settings.objectiveRate} (${name})`).join(', ')}, warm-up ${settings.warmUp} steps, then cosine`,
    ],
    ['moving average of the weights', settings.movingAverage],
    ['seed', settings.seed],
  ];
  const measures = {
    words: 'dev mean average precision',
    captions: 'dev CIDEr, greedy',
    features: 'dev variance explained',
  };
  const measure = measures[Object.keys(measures).find((name) => objectives.some((one) => one.name === name))];
  const head = ['epoch', 'steps', 'loss', 'dev loss', measure, 'seconds'];
  const rows = epochs.map((one) => [
    one.epoch,
    one.steps,
    one.trainLoss.toFixed(4),
    one.devLoss.toFixed(4),
    (one.devPrecision ?? one.devCider ?? one.devExplained)?.toFixed(3) ?? '',
    Math.round(one.seconds),
  ]);
  return `${table(['setting', 'value'], settingRows)}\n\n${table(head, rows)}`;
}

/** Every step that led to the model, the first one first. */
export function trainingText({ steps }) {
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

function epochTable({ epochs, best, settings }) {
  const rewarded = settings.objective === 'cider';
  const scored = epochs.some(({ devCider }) => devCider !== undefined);
  return table(
    [
      'epoch',
      'learning rate',
      rewarded ? 'mean reward' : 'loss',
      'dev loss',
      ...(scored ? ['dev CIDEr, greedy'] : []),
      'seconds',
    ],
    epochs.map(({ epoch, learningRate, trainLoss, trainReward, devLoss, devCider, seconds }) => [
      epoch === best.epoch ? `**${epoch}**` : epoch,
      learningRate.toPrecision(3),
      (rewarded ? trainReward : trainLoss).toFixed(3),
      devLoss.toFixed(3),
      ...(scored ? [devCider?.toFixed(3) ?? ''] : []),
      Math.round(seconds),
    ]),
  );
}
