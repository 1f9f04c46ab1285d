// @minutes 10
// A language model of sentences without images, and captions that begin with it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSafetensors } from '../src/nn/formats/safetensors.ts';
import { TinyTraining } from './tiny-training.ts';

const training = suite('train-text');
let tiny: TinyTraining;

/** What people say of things, those of the development image among them. */
const lines = [
  ...['a cup of coffee', 'this is a cup of coffee', 'a cup of tea', 'this is a cup of tea'],
  ...['a pot of coffee', 'this is a man', 'this is a rocket', 'a cat smiles'],
];

training.before(() => {
  tiny = new TinyTraining();
  writeFileSync(tiny.at('text.txt'), `${lines.join('\r\n')}\n\n${'word '.repeat(40)}\n`);
  writeFileSync(tiny.at('empty.txt'), '\n \n');
  writeFileSync(tiny.at('latin.txt'), Uint8Array.of(0x61, 0xe9, 0x0a));
});

training.after(() => tiny.remove());

const language = (...more: string[]) => [
  ...['--text', tiny.at('text.txt'), '--objective', 'language-model', '--batch-sentences', '2'],
  ...['--learning-rate', '0.03', ...more],
];
const losses = (out: string) => tiny.metrics(out).map(({ trainLoss, devLoss }) => [trainLoss, devLoss]);
const checkpoint = (out: string) => {
  const path = tiny.at(out, 'checkpoint.safetensors');
  return readSafetensors(readFileSync(path), path).weights;
};

training('the loss of the text falls, and the run tells of it', () => {
  const { status, stderr } = tiny.run(...tiny.args('whole', ...language('--epochs', '12')));
  assert.is(status, 0, stderr);
  assert.match(stderr, /8 sentences of text, \d+ word ids; choosing by 1 images/);
  assert.match(
    stderr,
    /epoch 12: loss \d\.\d+, validation loss \d\.\d+, rate [\d.]+, \d+ s, \d+ sentences\/s/,
  );
  const measured = losses('whole');
  assert.is(measured.length, 12);
  assert.ok(measured[11][0] < measured[0][0] - 0.5, JSON.stringify(measured));
  const report = JSON.parse(readFileSync(tiny.at('whole', 'training.json'), 'utf8'));
  assert.equal(report.data.text, [{ path: tiny.at('text.txt'), sentences: 8 }]);
  assert.equal(report.config.text, [tiny.at('text.txt')]);
  assert.equal([report.settings.objective, report.config['batch-sentences']], ['language-model', 2]);
  const page = readFileSync(tiny.at('whole', 'training.html'), 'utf8');
  assert.match(page, /A language model of 8 sentences without images/);
});

training('it goes on after a break as one without, bit for bit, and repeats from its training.json', () => {
  const first = tiny.run(...tiny.args('broken', ...language('--epochs', '5')));
  assert.is(first.status, 0, first.stderr);
  const resume = ['--data', tiny.at('data'), '--out', tiny.at('broken'), '--cache', tiny.at('cache')];
  const more = [...resume, '--resume', '--epochs', '12', '--device', 'cpu', '--threads', '1'];
  const without = tiny.run(...more);
  assert.is(without.status, 2, without.stderr);
  assert.match(without.stderr, /--text FILE is missing/);
  const resumed = tiny.run(...more, '--text', tiny.at('text.txt'));
  assert.is(resumed.status, 0, resumed.stderr);
  assert.equal(losses('broken'), losses('whole'));
  const [ours, theirs] = [checkpoint('broken'), checkpoint('whole')];
  assert.equal([...ours.keys()], [...theirs.keys()]);
  for (const [name, { data }] of ours) assert.equal([...data], [...(theirs.get(name)?.data ?? [])], name);
  const again = tiny.run(
    '--config',
    tiny.at('whole', 'training.json'),
    '--out',
    tiny.at('again'),
    '--epochs',
    '2',
  );
  assert.is(again.status, 0, again.stderr);
  assert.equal(losses('again'), losses('whole').slice(0, 2));
});

training('a training on captions begins better with it', () => {
  const once = ['--epochs', '1'];
  assert.is(tiny.run(...tiny.args('fresh', ...once)).status, 0);
  const { status, stderr } = tiny.run(...tiny.args('begun', '--from', tiny.at('whole'), ...once));
  assert.is(status, 0, stderr);
  const [[, fresh], [, begun]] = [losses('fresh')[0], losses('begun')[0]];
  assert.ok(begun < fresh - 0.3, `${begun} with, ${fresh} without`);
  const { before } = JSON.parse(readFileSync(tiny.at('begun', 'training.json'), 'utf8'));
  assert.is(before.settings.objective, 'language-model');
});

training('the words are those of the captions, or the text’s too', () => {
  const words = (out: string) =>
    new Set<string>(JSON.parse(readFileSync(tiny.at(out, 'tokenizer.json'), 'utf8')).words);
  assert.ok(words('whole').has('astronaut') && !words('whole').has('tea'));
  const all = tiny.run(...tiny.args('all', ...language('--vocabulary', 'all', '--epochs', '1')));
  assert.is(all.status, 0, all.stderr);
  assert.ok(words('all').has('astronaut') && words('all').has('tea') && words('all').has('pot'));
  assert.not.ok(words('all').has('word'), 'longer lines than --max-words are left out');
});

training('attention takes part in no language model', () => {
  const model = [
    '--pooling',
    'grid',
    '--outputs',
    'mixed5',
    '--attention',
    '8',
    '--gate',
    '--deep-output',
    '--tie',
  ];
  const { status, stderr } = tiny.run(...tiny.args('attending', ...language(...model, '--epochs', '2')));
  assert.is(status, 0, stderr);
  const { status: next, stderr: told } = tiny.run(
    ...tiny.args('attended', ...model, '--from', tiny.at('attending'), '--epochs', '1'),
  );
  assert.is(next, 0, told);
});

training('what does not go together is told in one line', () => {
  mkdirSync(tiny.at('folder'));
  const blind = ['--objective', 'language-model'];
  const cases: [string[], RegExp][] = [
    [blind, /--text FILE is missing/],
    [['--text', tiny.at('text.txt')], /--text belongs to --objective language-model/],
    [[...blind, '--text', tiny.at('none.txt')], /none.txt does not exist/],
    [[...blind, '--text', tiny.at('folder')], /folder is a folder/],
    [[...blind, '--text', tiny.at('empty.txt')], /empty.txt has no sentence/],
    [[...blind, '--text', tiny.at('latin.txt')], /is not UTF-8/],
    [language('--choose-by', 'cider'), /--objective language-model sees none/],
    [
      language('--attention', '8', '--pooling', 'grid', '--doubly-stochastic', '1'),
      /--doubly-stochastic is for attention to images/,
    ],
    [['--vocabulary', 'all'], /--vocabulary all counts the words of --text/],
    [language('--vocabulary', 'all', '--from', tiny.at('whole')), /--from takes those of its model/],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = tiny.run(...tiny.args('x', ...args));
    assert.is(status, 2, stderr);
    assert.match(stderr, message);
    assert.is(stderr.trim().split('\n').length, 1, stderr);
  }
});

training.run();
