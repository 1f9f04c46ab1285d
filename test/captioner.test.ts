// The captioner as a library: side by side, again and again, and with files or images that do not fit.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Captioner } from '../src/captioner/captioner.ts';
import type { FileSource } from '../src/captioner/file-source.ts';
import { decodeImage } from '../src/captioner/images/decode-image.ts';
import { DisposedError, FormatError, ImageError } from '../src/kernels/errors.ts';
import type { HostWeight } from '../src/nn/module.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';
import { stripedImage, type TinyKind, writeTinyCaptioner } from './tiny-captioner.ts';

const onDevice = await eachDevice(test);
const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-captioner-'));

test.before(async () => {
  for (const kind of ['average', 'attention'] as const) {
    mkdirSync(join(folder, kind));
    await writeTinyCaptioner(join(folder, kind), kind);
  }
});

test.after(() => rmSync(folder, { recursive: true }));

function filesOf(kind: TinyKind): FileSource {
  return (name) => readFile(join(folder, kind, name));
}

const images = [1, 2, 3].map((seed) => decodeImage(stripedImage(seed), `stripes ${seed}`));

onDevice('images captioned side by side get the sentences that they get in turn', async (device) => {
  const captioner = await Captioner.load(filesOf('attention'), device);
  const inTurn: string[] = [];
  for (const image of images) inTurn.push((await captioner.caption(image)).caption);
  assert.ok(
    new Set(inTurn).size > 1,
    'the images must differ in their sentences for this test to mean anything',
  );
  const together = await Promise.all(images.map((image) => captioner.caption(image)));
  assert.equal(
    together.map(({ caption }) => caption),
    inTurn,
  );
  captioner.dispose();
});

onDevice(
  'a captioner that was warmed up gives the same sentences, by weights loaded since too',
  async (device) => {
    const captioner = await Captioner.load(filesOf('attention'), device);
    const cold = await Captioner.load(filesOf('attention'), device);
    await Promise.all([captioner.warmup(), captioner.warmup({ beam: 1 })]);
    const options = [{}, { beam: 1 }];
    for (const image of images) {
      for (const option of options) {
        assert.equal(await captioner.caption(image, option), await cold.caption(image, option));
      }
    }
    const weights = await captioner.decoder.save();
    const { shape, data } = weights.get('output.bias') as HostWeight;
    // Now one word is the likeliest everywhere.
    const dog = captioner.tokenizer.encode('dog')[0];
    const bias = Float32Array.from(data, (value, id) => (id === dog ? value + 1000 : value));
    captioner.decoder.load(new Map([...weights, ['output.bias', { shape, data: bias }]]));
    const { caption } = await captioner.caption(images[0], { beam: 1 });
    assert.match(caption, /^dog( dog)+$/);
    captioner.dispose();
    cold.dispose();
  },
);

onDevice('files that do not fit are refused and leave nothing on the device', async (device) => {
  const mixed =
    (name: string): FileSource =>
    (file) =>
      filesOf(file === name ? 'attention' : 'average')(file);
  const { storages } = device.memory();
  await errorOf(FormatError, () => Captioner.load(mixed('decoder.safetensors'), device));
  assert.is(device.memory().storages, storages);
  const otherWords: FileSource = async (file) => {
    const bytes = await filesOf('average')(file);
    return file === 'tokenizer.json' ? Buffer.from(bytes.toString().replaceAll('"dog"', '"man"')) : bytes;
  };
  await errorOf(FormatError, () => Captioner.load(otherWords, device));
  assert.is(device.memory().storages, storages);
});

onDevice(
  'an image whose data are not height × width × 3 is refused, and any after dispose',
  async (device) => {
    const captioner = await Captioner.load(filesOf('average'), device);
    const colours = { width: 4, height: 2, data: new Uint8Array(4 * 2 * 4) };
    assert.match(
      (await errorOf(ImageError, () => captioner.caption(colours))).message,
      /4×2 with 32 numbers.*leave alpha out/,
    );
    const empty = { width: 0, height: 0, data: new Uint8Array(0) };
    await errorOf(ImageError, () => captioner.caption(empty));
    captioner.dispose();
    const late = await errorOf(DisposedError, () => captioner.caption(images[0]));
    assert.match(late.message, /the parameter .* dispose of a model only after its last use/);
  },
);

test.run();
