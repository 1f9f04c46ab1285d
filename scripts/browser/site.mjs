// Puts the demo page together, for scripts/web.mjs and the tests.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const folder = 'build/web';
const modelFile = /^(config\.json|tokenizer\.json|.*\.safetensors|LICENSE.*|README\.md)$/;

/** Copies what the page needs into a folder, and nothing else; returns the folder. The current folder is the repository's. */
export function buildSite() {
  if (!existsSync('dist/browser/worker.js')) throw new Error('dist/ is missing: run npm run build first');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'models/flickr8k'), { recursive: true });
  cpSync('web', folder, { recursive: true });
  cpSync('dist/browser', join(folder, 'lib'), { recursive: true, filter: (path) => !path.endsWith('.map') });
  mkdirSync(join(folder, 'images'));
  for (const name of readdirSync('test/images').filter((name) => name.endsWith('.jpg'))) {
    cpSync(join('test/images', name), join(folder, 'images', name));
  }
  for (const name of readdirSync('models/flickr8k').filter((name) => modelFile.test(name))) {
    cpSync(join('models/flickr8k', name), join(folder, 'models/flickr8k', name));
  }
  return folder;
}
