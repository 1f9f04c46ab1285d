/**
 * What the run of the tests found on this machine; scripts/test.mjs tells it through the environment. A test file started
 * by hand takes whatever the system's Vulkan loader gives.
 */
import type { Test } from 'uvu';

/** The adapter that `requestDevice({ prefer: 'webgpu' })` gets in this process. */
export const adapter = process.env.EKPHRASIS_TEST_ADAPTER ?? 'system';

/** Whether this is the second, smaller round of a file that runs on every adapter. */
export const small = process.env.EKPHRASIS_TEST_SCOPE === 'small';

/** Path of the Chromium for the browser's test, or `none`. */
export const browser = process.env.EKPHRASIS_TEST_BROWSER ?? '/usr/bin/chromium';

/**
 * `test`, or `test.skip` where this run has no adapter. Never silent: such a run says so in its last lines and fails unless
 * EKPHRASIS_ALLOW_NO_ADAPTER=1.
 */
export function webgpuTest(test: Test): Test | Test['skip'] {
  return adapter === 'none' ? test.skip : test;
}
