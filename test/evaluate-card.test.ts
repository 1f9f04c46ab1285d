import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ModelSettings } from '../src/captioner/cli/training/settings.ts';
import type { CaptionerConfig } from '../src/captioner/config.ts';
import type { EvaluationReport, ScoredFile } from '../src/captioner/evaluation/report.ts';
import { scaleOf } from '../src/captioner/evaluation/scale.ts';
import { evaluateCaptions } from '../src/captioner/metrics/evaluate-captions.ts';
import { writeTinyCaptioner } from './tiny-captioner.ts';

const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-card-'));
const original = join(folder, 'original');
const card = (model: string) => join(model, 'README.md');
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

const references = new Map([
  ['a.jpg', ['A dog runs in the snow .', 'A brown dog runs .']],
  ['b.jpg', ['Two men play with a ball .', 'Men play football .']],
]);

function scoresOf(...captions: string[]) {
  return evaluateCaptions(
    new Map([...references.keys()].map((image, i) => [image, captions[i]])),
    references,
  );
}

function writeReports(model: string): void {
  const config: CaptionerConfig = readJson(join(model, 'config.json'));
  const { vocabulary, ...decoder } = config.decoder;
  const settings: ModelSettings = {
    captions: {
      articles: 'keep',
      maximumWords: 31,
      minimumCount: 3,
      numWords: null,
      vocabulary: 'captions',
      examples: null,
      best: null,
      heldOut: 0.1,
    },
    dataWeights: [],
    seed: 43,
    encoder: config.encoder,
    decoder,
    objective: 'cross-entropy',
    selfCritical: { samples: 5, baseline: 'mean', crossEntropy: 0 },
    optimiser: 'adam',
    weightDecay: 0,
    momentum: 0,
    schedule: {
      learningRate: 0.002,
      kind: 'step',
      warmUp: 7,
      decay: 0.7,
      decayAfter: 1,
      decayEvery: null,
      clipNorm: 4,
      batchImages: 24,
    },
    dropout: { encoding: 0.31, embedding: 0.32, output: 0.33 },
    epochs: 6,
    patience: 1,
    chooseBy: 'loss',
    scores: { every: 1, images: 500, beam: 1 },
    precision: 'float16',
  };
  const epochs = [
    { epoch: 1, trainLoss: 4.1234, devLoss: 3.5678, learningRate: 0.002, seconds: 61.4 },
    { epoch: 2, trainLoss: 3.2468, devLoss: 3.6789, learningRate: 0.0014, seconds: 59.9 },
  ];
  const training = {
    format: 'ekphrasis-training',
    version: 1,
    program: '0.1.0',
    command: 'node dist/train.js --data /home/somebody/flickr --out=/tmp/somewhere --seed 43',
    device: 'CPU, two threads',
    images: { train: 1234, dev: 2 },
    wordIds: vocabulary,
    settings,
    epochs,
    best: epochs[0],
  };
  writeFileSync(join(model, 'training.json'), JSON.stringify(training));
  const files: Record<string, ScoredFile> = {};
  for (const name of ['config.json', 'encoder.safetensors', 'decoder.safetensors', 'tokenizer.json']) {
    const bytes = readFileSync(join(model, name));
    files[name] = { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  }
  const evaluation: EvaluationReport = {
    format: 'ekphrasis-evaluation',
    version: 1,
    program: '0.1.0',
    date: '2031-02-03T04:05:06.789Z',
    model: files,
    data: { layout: 'flickr8k', split: 'dev', images: 2, limit: null, seed: 42, heldOut: 0.1 },
    device: { kind: 'cpu', description: 'CPU, one thread' },
    features: null,
    runs: [
      {
        beam: 1,
        lengthExponent: null,
        scores: scoresOf('a cat in the snow', 'two men'),
        meanLogProbability: -1.5,
        secondsPerCaption: 0.25,
        imagesPerSecond: 4,
      },
      {
        beam: 3,
        lengthExponent: 0.7,
        scores: scoresOf('a dog in the snow', 'two men play with a dog'),
        meanLogProbability: -1.25,
        secondsPerCaption: 0.125,
        imagesPerSecond: 8,
      },
    ],
    confidence: { beam: 1, lengthExponent: null, quantiles: [] },
    scale: scaleOf(references),
  };
  writeFileSync(join(model, 'evaluation.json'), JSON.stringify(evaluation));
}

function run(model: string, ...args: string[]) {
  const command = ['scripts/model-card.mjs', '--model', model, ...args];
  const { status, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  return { status, stderr };
}

/** A copy of the model folder with one of its JSON files changed. */
function changed(name: string, change: (json: Record<string, unknown>) => void): string {
  const model = mkdtempSync(join(folder, 'changed-'));
  cpSync(original, model, { recursive: true, verbatimSymlinks: true });
  const json = readJson(join(model, name));
  change(json);
  writeFileSync(join(model, name), JSON.stringify(json));
  return model;
}

test.before(async () => {
  mkdirSync(original);
  await writeTinyCaptioner(original, 'average');
  writeFileSync(join(original, 'LICENSE-encoder'), 'MIT\n');
  writeReports(original);
});

test.after(() => rmSync(folder, { recursive: true }));

test('the card holds the figures, and is fresh once written', () => {
  assert.equal(run(original, '--check').status, 1, 'no card yet');
  assert.equal(run(original), { status: 0, stderr: '' });
  const text = readFileSync(card(original), 'utf8');
  const { runs, scale }: EvaluationReport = readJson(join(original, 'evaluation.json'));
  const cells = [runs[1].scores, runs[0].scores, scale.person, scale.constant.scores];
  for (const name of ['CIDEr', 'BLEU-4', 'BLEU-1', 'ROUGE-L'] as const) {
    const row = `| ${name} | ${cells.map((scores) => scores?.[name].toFixed(3)).join(' | ')} |`;
    assert.ok(text.includes(row), `${row} in ${text}`);
  }
  const expected = [
    '| **1** | 0.00200 | 4.123 | 3.568 | 61 |',
    '| 2 | 0.00140 | 3.247 | 3.679 | 60 |',
    '1,234 photographs to train on and 2 (dev)',
    'words seen at least 3 times; 19 ids',
    '0.002, times 0.7 at every epoch after 1',
    'encoding 0.31, words 0.32, output 0.33',
    'Measured on 2031-02-03',
    '0.125 seconds a caption',
    'man 1, boy 13, woman 12, girl 14, dog 2, cat 15',
    '| `encoder.safetensors` | 21.4 MB |',
    'node dist/train.js --data flickr --out=model --seed 43\n',
  ];
  for (const figure of expected) assert.ok(text.includes(figure), `"${figure}" in ${text}`);
  assert.not.match(text, /undefined|NaN|somebody|\[object/);
  assert.equal(run(original, '--check'), { status: 0, stderr: '' });
  assert.equal(run(original), { status: 0, stderr: '' });
  assert.is(readFileSync(card(original), 'utf8'), text, 'written again, it is the same');
  writeFileSync(card(original), `${text}\nMore.\n`);
  const stale = run(original, '--check');
  assert.is(stale.status, 1);
  assert.match(stale.stderr, 'is stale: run');
  assert.is(run(original).status, 0);
});

const REFUSALS: [
  what: string,
  name: string,
  change: (json: Record<string, unknown>) => void,
  named: string,
][] = [
  [
    'scores of other weights',
    'tokenizer.json',
    (json) => {
      json.filters = '';
    },
    'was measured with another tokenizer.json',
  ],
  [
    'scores of some images',
    'evaluation.json',
    (json) => Object.assign(json.data as object, { limit: 10 }),
    'scores 10 images of dev, expected all of dev',
  ],
  [
    'scores of the training images',
    'evaluation.json',
    (json) => Object.assign(json.data as object, { split: 'train' }),
    'all images of train',
  ],
  [
    'greedy scores alone',
    'evaluation.json',
    (json) => {
      json.runs = (json.runs as object[]).slice(0, 1);
    },
    'has no scores for beam 3',
  ],
  [
    "another model's training",
    'training.json',
    (json) => {
      json.wordIds = 5;
    },
    'training.json is of another model: its decoder',
  ],
  [
    'a foreign file',
    'training.json',
    (json) => {
      json.format = 'x';
    },
    'training.json is x 1, expected ekphrasis-training 1',
  ],
];

for (const [what, name, change, named] of REFUSALS) {
  test(`no card is made from ${what}`, () => {
    const model = changed(name, change);
    const before = readFileSync(card(model), 'utf8');
    for (const args of [[], ['--check']]) {
      const { status, stderr } = run(model, ...args);
      assert.is(status, 2, stderr);
      assert.match(stderr, /^model-card: .*\n$/);
      assert.ok(stderr.includes(named), stderr);
    }
    assert.is(readFileSync(card(model), 'utf8'), before);
  });
}

test('a missing file is named', () => {
  for (const name of ['evaluation.json', 'training.json', 'decoder.safetensors', 'LICENSE-encoder']) {
    const model = changed('training.json', () => undefined);
    rmSync(join(model, name));
    const { status, stderr } = run(model, '--check');
    assert.is(status, 2);
    assert.is(stderr, `model-card: ${join(model, name)} is missing\n`);
  }
});

test.run();
