// @adapters every: which device a request gets, and what it says of it.
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { UnsupportedError } from '../src/kernels/op/errors.ts';
import { requestDevice } from '../src/kernels/request-device.ts';
import { hardwareMayExist } from '../src/kernels/webgpu/adapter.ts';
import { adapter, webgpuTest } from './adapter.ts';
import { errorOf } from './errors.ts';

type Preference = 'auto' | 'webgpu' | 'cpu';

test('the CPU device when asked for', async () => {
  const device = await requestDevice({ prefer: 'cpu' });
  assert.is(device.kind, 'cpu');
  assert.is(device.adapter, null);
  assert.match(device.description, /^CPU.*as asked/);
  device.destroy();
});

webgpuTest(test)('the adapter when asked for, software or not', async () => {
  const device = await requestDevice({ prefer: 'webgpu' });
  assert.is(device.kind, 'webgpu');
  assert.match(device.description, /^WebGPU on .*as asked/);
  device.destroy();
});

test('left to choose, no software adapter, and a reason', async () => {
  const device = await requestDevice();
  assert.is(device.kind, device.adapter && !device.adapter.cpuLike ? 'webgpu' : 'cpu');
  if (adapter === 'lavapipe' || adapter === 'swiftshader') assert.is(device.kind, 'cpu');
  assert.match(device.description, /a hardware GPU|no GPU|no WebGPU adapter|which is software/);
  device.destroy();
});

test('a preference that there is not is refused, as a program in JavaScript may give one', async () => {
  const options = JSON.parse('{"prefer":"gpu"}');
  const error = await errorOf(UnsupportedError, () => requestDevice(options));
  assert.match(error.message, /prefer "gpu" was given; give auto, webgpu or cpu/);
});

/** The request in a process whose Vulkan loader finds no driver. */
function withoutDriver(prefer: Preference) {
  const nowhere = '/nonexistent/no-vulkan-driver.json';
  return spawnSync(process.execPath, [process.argv[1], prefer], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, VK_ICD_FILENAMES: nowhere, VK_DRIVER_FILES: nowhere },
  });
}

if (process.platform === 'linux') {
  test('without a driver WebGPU is refused with what to install', () => {
    const { stdout, status } = withoutDriver('webgpu');
    assert.match(stdout, /^NoAdapterError: no WebGPU adapter was found/);
    for (const remedy of [
      'libvulkan1',
      'mesa-vulkan-drivers',
      'bookworm-backports',
      'VK_ICD_FILENAMES',
      'CPU device',
    ]) {
      assert.match(stdout, remedy);
    }
    assert.is(status, 0);
  });

  test('without a driver the choice is the CPU device, and where no GPU can be, not a word is lost about it', () => {
    const { stdout, stderr, status } = withoutDriver('auto');
    assert.match(stdout, /^cpu: CPU.*(no GPU|no WebGPU adapter)/);
    if (!hardwareMayExist()) assert.is(stderr, '');
    assert.is(status, 0);
  });
}

/** What those processes do. */
async function report(prefer: Preference): Promise<void> {
  try {
    const device = await requestDevice({ prefer });
    console.log(`${device.kind}: ${device.description}`);
  } catch (error) {
    console.log(String(error));
  }
}

const asked = process.argv[2] as Preference | undefined;
if (asked) await report(asked);
else test.run();
