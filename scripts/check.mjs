// `npm run check`: types, lints and format, import floors, names and lengths of files, and freshness of generated files.
// One line for each finding, `file:line: message`; the last line says how many, and the exit code is 1 if there is one.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkImports } from './check/imports.mjs';
import { checkSource } from './check/sources.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

/** Scripts that write a file which is kept in the repository; with --check they exit 1 where it is not what they would write. */
const generators = [
  { writes: 'docs/OPS.md', script: 'scripts/docs.mjs' },
  { writes: 'models/flickr8k/README.md', script: 'scripts/model-card.mjs' },
  { writes: 'README.md', script: 'bench/readme.mjs' },
];

const folders = ['src', 'shaders', 'scripts', 'test', 'bench', 'web'];
const isSource = (name) => /\.(ts|mjs|js|wgsl|sh|html|css)$/.test(name);

/** All source files as a Map from path to text. */
function readTree() {
  const files = new Map();
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules') walk(path);
      } else if (isSource(entry.name)) files.set(path, readFileSync(path, 'utf8'));
    }
  };
  for (const folder of folders) if (existsSync(folder)) walk(folder);
  return files;
}

/** Runs a program to its end; resolves to { code, stdout, stderr }. */
function run(program, parameters) {
  return new Promise((resolve) => {
    execFile(program, parameters, { maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

const tool = (name) => `node_modules/.bin/${name}`;

async function checkTypes() {
  const { code, stdout, stderr } = await run(tool('tsc'), ['-p', '.', '--pretty', 'false']);
  const findings = [];
  for (const [, path, line, message] of stdout.matchAll(/^(.+?)\((\d+),\d+\): error (TS\d+: .*)$/gm)) {
    findings.push({ path, line, message });
  }
  if (code !== 0 && findings.length === 0) {
    findings.push({
      path: 'tsconfig.json',
      line: 1,
      message: `tsc failed: ${(stdout + stderr).trim().split('\n')[0]}`,
    });
  }
  return findings;
}

async function checkStyle() {
  const { code, stdout, stderr } = await run(tool('biome'), [
    'check',
    '--reporter=json',
    '--max-diagnostics=none',
    '--error-on-warnings',
  ]);
  let diagnostics = [];
  try {
    diagnostics = JSON.parse(stdout).diagnostics;
  } catch {
    return [
      { path: 'biome.json', line: 1, message: `biome failed: ${(stderr || stdout).trim().split('\n')[0]}` },
    ];
  }
  const findings = diagnostics
    .filter(({ severity }) => severity === 'error' || severity === 'warning' || severity === 'fatal')
    .map(({ category, location, message }) => ({
      path: location?.path ?? 'biome.json',
      line: Math.max(1, location?.start?.line ?? 1),
      message:
        category === 'format' ? 'is not formatted: npm run format' : `${category}: ${message.split('\n')[0]}`,
    }));
  if (code !== 0 && findings.length === 0) {
    findings.push({ path: 'biome.json', line: 1, message: `biome failed: ${stderr.trim().split('\n')[0]}` });
  }
  return findings;
}

async function checkGenerated() {
  const findings = [];
  for (const { writes, script } of generators) {
    if (!existsSync(script)) {
      findings.push({ path: script, line: 1, message: `is missing, so ${writes} cannot be checked` });
      continue;
    }
    const { code, stdout, stderr } = await run(process.execPath, [script, '--check']);
    if (code === 0) continue;
    const reason = code === 1 ? '' : `: ${(stderr || stdout).trim().split('\n').at(-1)}`;
    findings.push({ path: writes, line: 1, message: `is not what \`node ${script}\` writes${reason}` });
  }
  return findings;
}

const files = readTree();
const packageJson = JSON.parse(readFileSync('package.json', 'utf8'));
const findings = [
  ...checkImports(files, packageJson),
  ...[...files].flatMap(([path, source]) => checkSource(path, source)),
  ...(await Promise.all([checkTypes(), checkStyle(), checkGenerated()])).flat(),
];
for (const { path, line, message } of findings) console.log(`${path}:${line}: ${message}`);
console.log(
  findings.length ? `check: ${findings.length} findings` : `check: ${files.size} files, nothing to say`,
);
process.exitCode = findings.length ? 1 : 0;
