// How much memory a caption takes beside the weights, and that many take no more than few.
// @minutes 10
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Captioner } from '../src/captioner/captioner.ts';
import { decodeImage } from '../src/captioner/images/decode-image.ts';
import type { Device } from '../src/kernels/device.ts';
import { requestDevice } from '../src/kernels/request-device.ts';
import { webgpuTest } from './adapter.ts';
import { stripedImage, writeTinyCaptioner } from './tiny-captioner.ts';

const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-memory-'));
test.before(() => writeTinyCaptioner(folder, 'average'));
test.after(() => rmSync(folder, { recursive: true }));

/** A test on devices of its own, since peaks never fall. */
function onOwnDevice(title: string, body: (device: Device) => Promise<void>): void {
  for (const prefer of ['cpu', 'webgpu'] as const) {
    const declare = prefer === 'cpu' ? test : webgpuTest(test);
    declare(`${prefer}: ${title}`, async () => {
      const device = await requestDevice({ prefer });
      try {
        await body(device);
      } finally {
        device.destroy();
      }
    });
  }
}

/** Bytes of the shipped model's weights, batch norms folded. */
async function weightBytes(): Promise<number> {
  const device = await requestDevice({ prefer: 'cpu', threads: 1 });
  const captioner = await Captioner.load((name) => readFile(`models/flickr8k/${name}`), device);
  // The arena rounds to 16 bytes a tensor.
  const bytes = device.memory().liveBytes;
  captioner.dispose();
  device.destroy();
  return bytes;
}

onOwnDevice(
  'a caption of the shipped model takes 24 MB beside its weights, loading included',
  async (device) => {
    const weights = await weightBytes();
    assert.ok(weights > 50e6);
    const captioner = await Captioner.load((name) => readFile(`models/flickr8k/${name}`), device);
    for (const [file, beam] of [
      ['coffee.jpg', 3],
      ['cat.jpg', 1],
    ] as const) {
      const image = decodeImage(await readFile(`test/images/${file}`), file);
      await captioner.caption(image, { beam });
    }
    const beside = device.memory().peakBytes - weights;
    console.log(`\n  ${device.kind}: weights ${weights / 1e6} MB, beside them ${beside / 1e6} MB`);
    assert.ok(beside <= 24e6, `${beside} bytes`);
    captioner.dispose();
  },
);

onOwnDevice('two hundred captions hold as much memory as five', async (device) => {
  const captioner = await Captioner.load((name) => readFile(join(folder, name)), device);
  const images = [1, 2, 3].map((seed) => decodeImage(stripedImage(seed), `stripes ${seed}`));
  const caption = async (times: number) => {
    for (let time = 0; time < times; time++) {
      await captioner.caption(images[time % images.length], { beam: 1 + (time % 3) });
    }
    await device.synchronise();
    return device.memory();
  };
  const early = await caption(5);
  assert.equal(await caption(195), early);
  captioner.dispose();
  assert.is(device.memory().storages, 0);
});

test.run();
