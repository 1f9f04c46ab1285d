// @minutes 10
// The README's command for the decoder of the original system trains it, here on few captions and smaller images.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSafetensors, writeSafetensors } from '../src/nn/formats/safetensors.ts';
import { randomInception } from './keras-inception.ts';
import { TinyTraining } from './tiny-training.ts';

const training = suite('train-original');
let tiny: TinyTraining;

training.before(() => {
  tiny = new TinyTraining();
  // The shipped encoder ends at mixed8.
  const encoder = [...randomInception()].map(([name, weight]) => ({ name, ...weight }));
  writeFileSync(tiny.at('encoder.safetensors'), writeSafetensors(encoder, { encoding: 'float16' }));
});

training.after(() => tiny.remove());

/** The arguments of the one command in the README that reads the whole grid flattened. */
function readmeArguments(): string[] {
  const commands = readFileSync('README.md', 'utf8')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.startsWith('node dist/train.js') && line.includes('--lstm-size 768'));
  assert.is(commands.length, 1, commands.join('\n'));
  return commands[0].split(' ').slice(2);
}

training('its configuration is the original one, and its loss falls', () => {
  const given = readmeArguments();
  const settingOf = (flag: string) => given[given.indexOf(flag) + 1];
  assert.equal([settingOf('--image-side'), settingOf('--max-words')], ['299', '15']);
  const places: Readonly<Record<string, string>> = {
    '--data': 'data',
    '--out': 'out',
    '--encoder': 'encoder.safetensors',
  };
  const { status, stderr } = tiny.run(
    ...given.map((word, index) => (given[index - 1] in places ? tiny.at(places[given[index - 1]]) : word)),
    ...['--cache', tiny.at('cache')],
    // A grid of 3 × 3 places in place of 8 × 8: the whole has 53 million weights in its LSTM alone.
    ...['--image-side', '139', '--num-examples', '6', '--score-every', '0'],
    // Nadam's first steps go astray on so few captions.
    ...['--epochs', '10', '--patience', '10'],
    ...['--device', 'cpu', '--threads', '1'],
  );
  assert.is(status, 0, stderr);
  const { encoder, decoder } = JSON.parse(readFileSync(tiny.at('out', 'config.json'), 'utf8'));
  const { outputs, pooling, flatten, projection } = encoder;
  assert.equal(
    { outputs, pooling, flatten, projection },
    { outputs: ['mixed10'], pooling: 'grid', flatten: true, projection: { units: 256, activation: 'relu' } },
  );
  const { attention, initialState, embedding, units, maximumLength } = decoder;
  assert.equal(
    { attention, initialState, embedding, units, maximumLength },
    { attention: null, initialState: 'zeros', embedding: 256, units: 768, maximumLength: 16 },
  );
  const { settings } = JSON.parse(readFileSync(tiny.at('out', 'training.json'), 'utf8'));
  const { optimiser, captions, schedule, dropout } = settings;
  assert.equal([optimiser, captions.articles, captions.numWords], ['nadam', 'strip', 10000]);
  assert.equal([schedule.learningRate, dropout.embedding], [0.001, 0.32]);
  const file = tiny.at('out', 'decoder.safetensors');
  const { weights } = readSafetensors(readFileSync(file), file);
  assert.equal(weights.get('lstm.kernel')?.shape, [9 * 256 + 256, 4 * 768]);
  const losses = tiny.metrics('out').map(({ trainLoss }) => trainLoss);
  assert.ok(losses[9] < losses[0] - 0.3, losses.join(' '));
  const shown = ['--model', tiny.at('out'), '--device', 'cpu', 'test/images/cat.jpg'];
  assert.ok(execFileSync('node', ['dist/caption.js', ...shown], { encoding: 'utf8' }).trim().length > 0);
});

training.run();
