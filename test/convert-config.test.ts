import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCaptionerConfig } from '../src/captioner/config.ts';
import { FormatError } from '../src/kernels/op/errors.ts';

const config = {
  format: 'ekphrasis-captioner',
  version: 1,
  encoder: {
    architecture: 'inception_v3',
    weights: 'encoder.safetensors',
    imageSide: 299,
    reduceTo: 224,
    outputs: ['mixed5', 'mixed7'],
    pooling: 'average',
    transform: ['squareRoot', 'standardise'],
    projection: { units: 256, activation: 'relu' },
    flatten: false,
  },
  decoder: {
    weights: 'decoder.safetensors',
    attention: null,
    initialState: 'dense',
    embedding: 256,
    units: 512,
    vocabulary: 2923,
    activation: 'tanh',
    recurrentActivation: 'sigmoid',
    maximumLength: 16,
  },
  tokenizer: 'tokenizer.json',
} as const;

const grid = { outputs: ['mixed10'], pooling: 'grid' };
const changed = (encoder: object, decoder: object, root: object = {}) =>
  JSON.stringify({
    ...config,
    encoder: { ...config.encoder, ...encoder },
    decoder: { ...config.decoder, ...decoder },
    ...root,
  });

test('a config is read as it is', () => {
  assert.equal(parseCaptionerConfig(JSON.stringify(config), 'config.json'), config);
  assert.is(parseCaptionerConfig(changed({ reduceTo: undefined }, {}), 'config.json').encoder.reduceTo, null);
  const attending = changed({ ...grid, transform: [] }, { attention: { units: 512 }, initialState: 'zeros' });
  assert.equal(parseCaptionerConfig(attending, 'config.json').decoder.attention, { units: 512 });
  const flattened = changed({ ...grid, flatten: true }, { recurrentActivation: 'hard_sigmoid' });
  const doubting = JSON.stringify({ ...config, unsureBelow: -1.25 });
  assert.is(parseCaptionerConfig(doubting, 'config.json').unsureBelow, -1.25);
  assert.is(parseCaptionerConfig(flattened, 'config.json').encoder.flatten, true);
});

test('whatever is amiss is refused, naming the member', () => {
  const cases: [string, RegExp][] = [
    ['', /config\.json is not valid JSON/],
    ['[]', /config\.json must be a JSON object/],
    [changed({}, {}, { format: 'other' }), /format is "other"/],
    [changed({}, {}, { version: 2 }), /version is 2, but this program reads version 1/],
    [changed({}, {}, { unsureBelow: 0.5 }), /unsureBelow is 0\.5.*a number up to 0/],
    [changed({}, {}, { unsureBelow: '-1' }), /unsureBelow is "-1"/],
    [changed({}, {}, { unsureBelow: null }), /unsureBelow is null.*leave it out/],
    [changed({}, {}, { extra: 1 }), /has extra, which version 1 does not know/],
    [changed({}, {}, { encoder: undefined }), /encoder must be a JSON object, but is undefined/],
    [
      changed({}, {}, { tokenizer: '../tokenizer.json' }),
      /tokenizer is "\.\.\/tokenizer\.json".*same folder/,
    ],
    [changed({ weights: '/etc/passwd' }, {}), /encoder\.weights is "\/etc\/passwd"/],
    [changed({ weights: '..' }, {}), /encoder\.weights/],
    [changed({ weights: 'C:x' }, {}), /encoder\.weights/],
    [changed({}, { weights: 5 }), /decoder\.weights must be a text, but is 5/],
    [changed({ architecture: 'vgg16' }, {}), /architecture is "vgg16", but must be "inception_v3"/],
    [changed({ imageSide: 74 }, {}), /imageSide is 74.*from 75 to 4096/],
    [changed({ imageSide: 299.5 }, {}), /imageSide is 299\.5/],
    [changed({ reduceTo: 10 }, {}), /reduceTo is 10.*from 75 to 4096/],
    [changed({ outputs: [] }, {}), /outputs is \[\]/],
    [changed({ outputs: 'mixed5' }, {}), /outputs must be a JSON array/],
    [changed({ outputs: ['mixed11'] }, {}), /outputs holds "mixed11"/],
    [changed({ outputs: ['stem1'] }, {}), /outputs holds "stem1"/],
    [changed({ outputs: ['mixed5', 'mixed5'] }, {}), /none twice/],
    [changed({ pooling: 'max' }, {}), /pooling is "max", but must be "average" or "grid"/],
    [changed({ pooling: 'grid' }, {}), /reads one output, but outputs names 2/],
    [changed({ flatten: true }, {}), /an average is one vector already/],
    [changed({ flatten: 'no' }, {}), /flatten is "no", but must be true or false/],
    [changed({ transform: ['log'] }, {}), /transform is "log"/],
    [changed({ transform: ['squareRoot', 'squareRoot'] }, {}), /may stand in it once/],
    [changed({ projection: { units: 0, activation: 'relu' } }, {}), /projection\.units is 0/],
    [changed({ projection: { units: 8, activation: 'elu' } }, {}), /projection\.activation is "elu"/],
    [changed({ projection: null }, {}), /projection must be a JSON object/],
    [changed(grid, {}), /set encoder\.flatten to true/],
    [changed({}, { attention: { units: 8 } }), /needs encoder\.pooling "grid"/],
    [changed({ ...grid, flatten: true }, { attention: { units: 8 } }), /flatten false/],
    [changed(grid, { attention: { units: 8, gate: 1 } }), /attention\.gate is 1, but must be true or false/],
    [changed(grid, { attention: { units: 8, heads: 2 } }), /attention has heads/],
    [changed({}, { layers: 3 }), /layers is 3, but must be a whole number from 1 to 2/],
    [changed({}, { outputFrom: 'word' }), /outputFrom is "word"/],
    [changed({}, { tied: 'yes' }), /tied is "yes"/],
    [changed({}, { attention: {} }), /attention\.units is undefined/],
    [changed({}, { attention: undefined }), /attention \(null where there is none\) must be/],
    [changed({}, { initialState: 'random' }), /initialState is "random"/],
    [changed({}, { activation: 'relu' }), /activation is "relu", but must be "tanh"/],
    [changed({}, { recurrentActivation: 'relu' }), /recurrentActivation is "relu"/],
    [changed({}, { vocabulary: 3 }), /vocabulary is 3/],
    [changed({}, { units: '512' }), /units is "512"/],
    [changed({}, { maximumLength: 0 }), /maximumLength is 0/],
    [changed({}, { beam: 3 }), /decoder has beam/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parseCaptionerConfig(text, 'config.json'),
      (error: unknown) => error instanceof FormatError && message.test(error.message),
      `${message} was expected of ${text}`,
    );
  }
});

test.run();
