// Fetches a headless Chromium with SwiftShader and a Vulkan loader from the npm registry into .cache/: 70 MB to load, 220 MB
// on disk. It needs no root and, of the system, the C library alone, so it serves where no package manager gives a browser:
// Ubuntu's is a snap, and a person may not be root.
//
//   node scripts/fetch-chromium.mjs
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { fetchedChromium } from './chromium.mjs';

/** Starts the browser with the libraries (NSS, expat) and a font, which a bare system lacks. */
const launcher = `#!/bin/sh
here=$(dirname "$0")
export FONTCONFIG_FILE="$here/fonts.conf"
LD_LIBRARY_PATH="$here/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/headless_shell" "$@"
`;

/** The system's fonts, and those of the package: without any, no text of a page is laid out. */
const fonts = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir prefix="relative">fonts</dir>
</fontconfig>
`;

/** Loads the package through npm, so from the registry that npm is set up for; returns the path of its archive. */
function download(folder) {
  const spec = `${fetchedChromium.package}@${fetchedChromium.version}`;
  const options = ['pack', spec, '--pack-destination', folder, '--loglevel=error'];
  execFileSync('npm', options, { cwd: folder, timeout: 600_000, stdio: 'pipe' });
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz')),
  );
}

/** Throws unless the file is, byte for byte, the one that this version was tried with. */
function checkIntegrity(archive) {
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== fetchedChromium.integrity)
    throw new Error(`${archive} is ${found}, and ${fetchedChromium.integrity} was expected: not unpacked`);
}

function unpack(archive, folder) {
  const into = ['-C', folder, '--no-same-owner'];
  execFileSync('tar', ['-xzf', archive, ...into, '--strip-components=2', 'package/bin']);
  const opened = (name) => brotliDecompressSync(readFileSync(join(folder, `${name}.br`)));
  writeFileSync(join(folder, 'headless_shell'), opened('chromium'));
  for (const name of ['al2023.tar', 'swiftshader.tar', 'fonts.tar'])
    execFileSync('tar', ['-x', ...into], { input: opened(name) });
  for (const name of ['chromium', 'al2023.tar', 'swiftshader.tar', 'fonts.tar'])
    rmSync(join(folder, `${name}.br`));
  writeFileSync(join(folder, 'fonts.conf'), fonts);
  writeFileSync(join(folder, 'chromium'), launcher);
  for (const name of ['headless_shell', 'chromium']) chmodSync(join(folder, name), 0o755);
}

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error(`there is none for ${process.platform} on ${process.arch}, only for Linux on x64`);
  process.exit(1);
}
const { folder } = fetchedChromium;
if (existsSync(folder)) {
  console.error(`it is at ${folder} already; to fetch it again, remove that folder first`);
  process.exit(1);
}
mkdirSync(dirname(folder), { recursive: true });
// Beside its place, so that it comes there whole or not at all.
const temporary = mkdtempSync(`${folder}-`);
try {
  const archive = download(temporary);
  checkIntegrity(archive);
  unpack(archive, temporary);
  rmSync(archive);
  chmodSync(temporary, 0o755);
  renameSync(temporary, folder);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
