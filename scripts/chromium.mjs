// Finds a Chromium that runs.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Upwards, since the tests read this file from a bundle elsewhere in the repository.
let root = dirname(fileURLToPath(import.meta.url));
while (!existsSync(join(root, 'package.json'))) root = dirname(root);

/**
 * The headless Chromium for Linux on x64 that `scripts/fetch-chromium.mjs` takes from the npm registry where nothing else
 * gives a browser or a Vulkan driver. Its folder holds SwiftShader and a Vulkan loader too.
 */
export const fetchedChromium = {
  package: '@sparticuz/chromium',
  version: '153.0.0',
  integrity:
    'sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==',
  get folder() {
    return join(root, '.cache', `chromium-${this.version}`);
  },
};

// Ubuntu's /usr/bin/chromium-browser may be a stub that only names the snap; asking for the version tells.
const places = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
  '/usr/bin/chromium-browser',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** What `path --version` says, or undefined where it is no working browser. */
function version(path) {
  try {
    const said = execFileSync(path, ['--version'], { timeout: 20_000, stdio: ['ignore', 'pipe', 'ignore'] });
    return /(Chromium|Chrome)\D*([\d.]+)/.exec(said.toString())?.[0];
  } catch {
    return undefined;
  }
}

/** The browser that playwright downloads itself when a person asks it to (`npx playwright-core install chromium`). */
async function playwrightsOwn() {
  const { chromium } = await import('playwright-core');
  return chromium.executablePath();
}

/** { path, version } of the first Chromium that runs; EKPHRASIS_CHROMIUM names one to take instead, or `none`. */
export async function findChromium() {
  const asked = process.env.EKPHRASIS_CHROMIUM;
  const candidates = asked
    ? [asked]
    : [...places, await playwrightsOwn(), join(fetchedChromium.folder, 'chromium')];
  for (const path of candidates) {
    const found = existsSync(path) && version(path);
    if (found) return { path, version: found };
  }
  if (asked && asked !== 'none')
    console.error(`EKPHRASIS_CHROMIUM is ${asked}, which is no Chromium that runs.`);
  return undefined;
}
