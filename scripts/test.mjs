// Builds the tests and runs each file in a process of its own, so that a crash of the GPU driver costs one file.
//
//   node scripts/test.mjs [--no-build] [--adapter KIND] [PART OF A FILE'S NAME …]
//
// All files run once on the best software adapter (lavapipe, else SwiftShader, else what the system has). Those that
// say `@adapters every` in a comment run again on SwiftShader, with EKPHRASIS_TEST_SCOPE=small.
// `@minutes N` in a comment gives a file more than the usual time. The tests read, through test/adapter.ts:
//   EKPHRASIS_TEST_ADAPTER   lavapipe | swiftshader | system | none
//   EKPHRASIS_TEST_SCOPE     full | small
//   EKPHRASIS_TEST_BROWSER   path of a Chromium, or none
// EKPHRASIS_ALLOW_NO_ADAPTER=1 and EKPHRASIS_ALLOW_NO_BROWSER=1 let a run pass that could not test these.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { adapterEnvironment, adapterKinds, describeProbe, probeAdapter } from './adapters.mjs';
import { findChromium } from './chromium.mjs';
import { addTotals, readTotals } from './test-totals.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);

const fileMinutes = 5;
const allMinutes = 20;

const { values: options, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: { 'no-build': { type: 'boolean' }, adapter: { type: 'string' } },
});

/** The test files as { name, everyAdapter, minutes }, from what their sources say. */
function testFiles() {
  const names = readdirSync('test').filter((name) => name.endsWith('.test.ts'));
  return names
    .map((name) => name.replace(/\.test\.ts$/, ''))
    .filter((name) => filters.length === 0 || filters.some((part) => name.includes(part)))
    .map((name) => {
      const source = readFileSync(`test/${name}.test.ts`, 'utf8');
      const minutes = Number(/^\/\/.*@minutes (\d+)/m.exec(source)?.[1] ?? fileMinutes);
      return { name, everyAdapter: /^\/\/.*@adapters every/m.test(source), minutes };
    });
}

// Stopped from outside, a run takes its test file with it.
let running;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    running?.kill('SIGKILL');
    process.exit(1);
  });
}

/** Runs one file; resolves to { passed, failed, skipped, trouble? } once its process is gone. */
function runFile(file, environment, deadline) {
  const limit = Math.min(file.minutes * 60_000, deadline - Date.now());
  if (limit <= 0)
    return { passed: 0, failed: 1, skipped: 0, trouble: `not run: ${allMinutes} minutes are over` };
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--enable-source-maps', `build/test/${file.name}.test.js`], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running = child;
    let output = '';
    let late = false;
    child.stdout.on('data', (chunk) => {
      output += chunk;
      process.stdout.write(chunk);
    });
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limit);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const ending = late ? `still running after ${Math.round(limit / 1000)} s` : { code, signal };
      resolve(readTotals(output, ending));
    });
  });
}

async function chooseAdapter() {
  const asked = options.adapter;
  if (asked === 'none') return [];
  if (asked && !adapterKinds.includes(asked)) {
    console.error(`--adapter ${asked}: expected ${adapterKinds.join(', ')} or none`);
    process.exit(2);
  }
  const probes = await Promise.all((asked ? [asked] : adapterKinds).map(probeAdapter));
  return probes.filter(({ state }) => state === 'works');
}

const start = Date.now();
const deadline = start + allMinutes * 60_000;
if (!options['no-build']) {
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs', '--tests'], { stdio: 'inherit' });
  if (status !== 0) {
    console.log('The build failed, so no test ran.\n0 passed, 1 failed');
    process.exit(1);
  }
}

const [working, browser] = await Promise.all([chooseAdapter(), findChromium()]);
const first = working[0];
const again = working.find(({ kind }) => kind === 'swiftshader' && kind !== first.kind);

// Mesa complains on every start of a process that has none.
const runtimeFolder = mkdtempSync(join(tmpdir(), 'ekphrasis-test-'));
const common = {
  EKPHRASIS_TEST_BROWSER: browser?.path ?? 'none',
  // What was tuned on this machine must not decide what is tested.
  EKPHRASIS_TUNING: 'none',
  XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? runtimeFolder,
};
const environmentOf = (kind, scope) => ({
  ...common,
  ...adapterEnvironment(kind),
  EKPHRASIS_TEST_ADAPTER: kind,
  EKPHRASIS_TEST_SCOPE: scope,
});

const files = testFiles();
const firstKind = first?.kind ?? 'none';
const runs = files.map((file) => ({ file, kind: firstKind, scope: 'full' }));
if (again)
  for (const file of files) if (file.everyAdapter) runs.push({ file, kind: again.kind, scope: 'small' });

const results = [];
for (const { file, kind, scope } of runs) {
  const label = scope === 'full' ? file.name : `${file.name} on ${kind}`;
  console.log(`— ${label}`);
  const began = Date.now();
  const result = await runFile(file, environmentOf(kind, scope), deadline);
  if (result.trouble) console.log(`  ${label}: ${result.trouble}\n`);
  results.push({ ...result, label, seconds: (Date.now() - began) / 1000 });
}
rmSync(runtimeFolder, { recursive: true, force: true });

const totals = addTotals(results);
const allowed = (name) => process.env[name] === '1';
const lines = [];
for (const { label, seconds, passed, failed, skipped, trouble } of results) {
  const counts = `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;
  lines.push(
    `${failed ? '✘' : '•'} ${label.padEnd(28)} ${seconds.toFixed(1).padStart(7)} s  ${counts}${trouble ? ` (${trouble})` : ''}`,
  );
}
lines.push(
  `time: ${((Date.now() - start) / 1000).toFixed(0)} s${options['no-build'] ? '' : ', the build included'}`,
);
if (first) {
  lines.push(`adapter: ${describeProbe(first)}`);
  if (again) lines.push(`again on: ${describeProbe(again)}`);
} else {
  const word = allowed('EKPHRASIS_ALLOW_NO_ADAPTER')
    ? 'allowed by EKPHRASIS_ALLOW_NO_ADAPTER=1'
    : 'counted as a failure';
  lines.push(`adapter: NONE, so no WebGPU test ran (${word}); \`npm run setup\` says what to install`);
  if (!allowed('EKPHRASIS_ALLOW_NO_ADAPTER')) totals.failed++;
}
if (browser) lines.push(`browser: ${browser.path} (${browser.version})`);
else {
  const word = allowed('EKPHRASIS_ALLOW_NO_BROWSER')
    ? 'allowed by EKPHRASIS_ALLOW_NO_BROWSER=1'
    : 'counted as a failure';
  lines.push(`browser: NONE, so no browser test ran (${word}); \`npm run setup\` says what to install`);
  if (!allowed('EKPHRASIS_ALLOW_NO_BROWSER')) totals.failed++;
}
if (results.length === 0) {
  lines.push(
    filters.length ? `no test file's name contains ${filters.join(' or ')}` : 'there are no test files',
  );
  totals.failed++;
}
console.log(lines.join('\n'));
console.log(
  `${totals.passed} passed, ${totals.failed} failed${totals.skipped ? `, ${totals.skipped} skipped` : ''}`,
);
process.exitCode = totals.failed ? 1 : 0;
