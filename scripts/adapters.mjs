// Finds the software Vulkan drivers that give Dawn an adapter on a machine without a GPU, and tells which of them work.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchedChromium } from './chromium.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The adapters that a test run can be asked for. `system` is whatever the system's own loader finds, a GPU say. */
export const adapterKinds = ['lavapipe', 'swiftshader', 'system'];

const icdFolders = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];
// The fetched one first: it brings its own Vulkan loader, and was fetched because the others would not do.
const chromiumFolders = [
  fetchedChromium.folder,
  '/usr/lib/chromium',
  '/opt/google/chrome',
  '/opt/chromium.org/chromium',
  '/snap/chromium/current/usr/lib/chromium-browser',
];

/** The file that describes a software driver to the Vulkan loader, or undefined where it is not installed. */
export function icdFile(kind) {
  if (kind === 'lavapipe') {
    for (const folder of icdFolders) {
      const name = existsSync(folder) && readdirSync(folder).find((file) => /^lvp_icd\b.*\.json$/.test(file));
      if (name) return join(folder, name);
    }
    return undefined;
  }
  return chromiumFolders
    .map((folder) => join(folder, 'vk_swiftshader_icd.json'))
    .find((path) => existsSync(path));
}

/**
 * The environment in which the Vulkan loader sees this driver alone. It is read when Dawn creates its instance, so a
 * process must have it before its first `create()`. Loaders before 1.3.207 know only VK_ICD_FILENAMES. The fetched
 * SwiftShader comes with a loader, which LD_LIBRARY_PATH leads to.
 * @returns {Record<string, string>}
 */
export function adapterEnvironment(kind) {
  if (kind === 'system') return {};
  const path = kind === 'none' ? '/nonexistent/no-vulkan-driver.json' : icdFile(kind);
  if (!path)
    throw new Error(`No driver file of ${kind} on this machine; \`npm run setup\` installs it or says how.`);
  const environment = { VK_ICD_FILENAMES: path, VK_DRIVER_FILES: path };
  if (dirname(path) !== fetchedChromium.folder) return environment;
  const libraries = [fetchedChromium.folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return { ...environment, LD_LIBRARY_PATH: libraries };
}

// The result of create() must stay referenced: once it is collected, pending promises of its devices never settle and the
// process does not exit.
const probeSource = `
  import { create } from 'webgpu';
  const gpu = create([]);
  const adapter = await gpu.requestAdapter();
  if (!adapter) process.exit(3);
  const { vendor, architecture, device, description } = adapter.info;
  const invocations = adapter.limits.maxComputeInvocationsPerWorkgroup;
  const software = adapter.info.isFallbackAdapter || /llvmpipe|swiftshader/i.test(architecture + description);
  const features = [...adapter.features].sort();
  const gpuDevice = await adapter.requestDevice();
  gpuDevice.destroy();
  console.log(JSON.stringify({ vendor, architecture, device, description, software, invocations, features, kept: !!gpu }));
`;

/**
 * Asks Dawn for this adapter in a process of its own, since a driver file that is there may still be refused
 * (Debian 12's Mesa 22.3 is: "shaderUniform*ArrayDynamicIndexing required").
 * Resolves to { kind, state: 'works' | 'absent' | 'refused', info?, reason? }.
 */
export function probeAdapter(kind) {
  if (kind !== 'system' && !icdFile(kind)) {
    return Promise.resolve({ kind, state: 'absent', reason: 'its driver file is not installed' });
  }
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--input-type=module', '--eval', probeSource],
      { cwd: root, env: { ...process.env, ...adapterEnvironment(kind) }, timeout: 30_000 },
      (error, stdout, stderr) => {
        if (!error)
          return resolve({ kind, state: 'works', info: JSON.parse(stdout.trim().split('\n').pop()) });
        const said = stderr.split('\n').filter((line) => /^(Warning|Error|\w*Error):? /.test(line));
        const missing = stderr.split('\n').find((line) => line.includes('cannot open shared object file'));
        const reason = missing?.trim() ?? said[0]?.replace(/^Warning: /, '') ?? 'Dawn found no adapter';
        resolve({ kind, state: error.code === 3 && kind === 'system' ? 'absent' : 'refused', reason });
      },
    );
  });
}

/** One line on a probed adapter, for people and for setup.sh. */
export function describeProbe({ kind, state, info, reason }) {
  if (state !== 'works') return `${kind}: ${state}, ${reason}`;
  const name = info.description || [info.vendor, info.architecture, info.device].filter(Boolean).join(' ');
  return `${kind}: works, ${name} (${info.vendor} ${info.architecture}${info.software ? ', software' : ''})`;
}
