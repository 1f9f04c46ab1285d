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

onDevice('thirty captions hold as much memory as five', async (device) => {
  const captioner = await Captioner.load(filesOf('average'), device);
  const caption = async (times: number) => {
    for (let time = 0; time < times; time++) {
      await captioner.caption(images[time % images.length], { beam: 1 + (time % 3) });
    }
    await device.synchronise();
    return device.memory();
  };
  const early = await caption(5);
  assert.equal(await caption(25), early);
  captioner.dispose();
});

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
