// The benchmark's command: what it makes of its command line, and of measuring processes that die.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseArguments, UsageError } from '../bench/cli/arguments.ts';
import { main } from '../bench/cli/main.ts';
import { measureDevice, type Plan, type Target } from '../bench/cli/measure-device.ts';
import { MeasuringProcess } from '../bench/cli/measuring-process.ts';
import { targetsOfMachine } from '../bench/cli/targets-of-machine.ts';
import { Workplace, WorkplaceFailure } from '../bench/cli/workplace.ts';
import type { CaseRequest, Request } from '../bench/measure/protocol.ts';
import type { DeviceOutcome, EngineOutcome } from '../bench/report/results.ts';
import { fakeCase, method } from './bench-engines.ts';

const test = suite('bench-command');
const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-bench-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('lists, numbers and repeated filters are taken as they are meant', () => {
  const given = parseArguments(
    '--device cpu,lavapipe --threads 1,4 --peers tfjs --filter a --filter b --budget 2.5 --rounds 3'.split(
      ' ',
    ),
  );
  assert.equal(given?.devices, ['cpu', 'lavapipe']);
  assert.equal(given?.threads, [1, 4]);
  assert.equal(given?.peers, ['tfjs']);
  assert.equal(given?.filters, ['a', 'b']);
  assert.equal([given?.budgetSeconds, given?.rounds, given?.longestRunSeconds], [2.5, 3, null]);
  assert.equal(parseArguments(['--peers', 'none'])?.peers, []);
  assert.is(parseArguments(['--help', '--quick']), null);
});

for (const [line, message] of [
  ['--fast', /^Unknown option '--fast': see --help$/],
  ['matmul', /^Unexpected argument 'matmul': see --help$/],
  ['--json', /argument missing: see --help$/],
  ['--device gpu', /^--device gpu: expected lavapipe, swiftshader, system, cpu, chromium$/],
  ['--threads 0', /^--threads 0: expected a whole number above 0$/],
  ['--threads 1.5', /expected a whole number/],
  ['--rounds many', /^--rounds many: expected a whole number above 0$/],
  ['--budget -1', /argument is ambiguous|expected a number above 0/],
  ['--longest Infinity', /^--longest Infinity: expected a number above 0$/],
  ['--merge', /^--merge: give the file too, --json FILE$/],
] as const) {
  test(`${line} is refused in one line`, () => {
    try {
      parseArguments(line.split(' '));
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof UsageError, String(error));
      assert.match(error.message, message);
      assert.not.match(error.message, /\n/);
    }
  });
}

/** Runs the command where it must not get as far as building; returns what it says on standard error. */
async function refusal(line: string): Promise<string[]> {
  const said: string[] = [];
  const original = console.error;
  console.error = (text: string) => said.push(text);
  const never = () => assert.unreachable('it went on');
  try {
    const code = await main(line.split(' '), {
      buildMeasuring: never as never,
      buildPage: never as never,
      findChromium: never as never,
      probeAdapter: never as never,
      adapterEnvironment: never as never,
    });
    assert.is(code, 2);
  } finally {
    console.error = original;
  }
  return said;
}

test('a filter that meets no case, and a results file of something else, end with 2 before anything is built', async () => {
  assert.match(
    (await refusal('--filter nonesuch'))[0],
    /^bench: --filter nonesuch: no case has such a name; --list/,
  );
  assert.match((await refusal('--quick --filter inception-v3/batch-32'))[0], /--quick has no such case/);
  const path = join(folder, 'other.json');
  writeFileSync(path, '{"format": "something"}');
  assert.match((await refusal(`--merge --json ${path}`))[0], /other\.json is something undefined, expected/);
});

const machine = { processor: 'P', cores: 4, memoryBytes: 1, system: 'S', node: '20' };
const adapters = {
  probeAdapter: async (kind: string) =>
    kind === 'swiftshader'
      ? { kind, state: 'absent' as const, reason: 'its driver file is not installed' }
      : {
          kind,
          state: 'works' as const,
          info: { vendor: 'mesa', architecture: '', device: '', description: 'llvmpipe', software: true },
        },
  adapterEnvironment: () => ({}),
};
const chosen = async (given: Partial<Parameters<typeof targetsOfMachine>[0]>) => {
  const none = { quick: false, devices: null, threads: null };
  const targets = await targetsOfMachine({ ...none, ...given }, machine, adapters, 'no-file.js');
  return targets.map(({ device }) => device).join(' ');
};

test('all devices are measured that there are, software ones by their own names', async () => {
  assert.is(await chosen({}), 'lavapipe cpu-1 cpu-4');
  assert.is(await chosen({ devices: ['system'] }), 'system');
  assert.is(await chosen({ devices: ['cpu'], threads: [2, 3] }), 'cpu-2 cpu-3');
  assert.is(await chosen({ quick: true }), 'lavapipe cpu-4');
});

test('a device that was asked for and does not work is an error', async () => {
  try {
    await chosen({ devices: ['swiftshader'] });
    assert.unreachable();
  } catch (error) {
    assert.ok(error instanceof UsageError);
    assert.is(error.message, '--device swiftshader: its driver file is not installed');
  }
});

/** A workplace whose engines are A and B; B takes the process with it, or stands still, unless it is left out. */
class FragileWorkplace extends Workplace {
  static opened = 0;
  static asked: CaseRequest[] = [];

  constructor(readonly dies: boolean) {
    super();
    FragileWorkplace.opened++;
  }

  protected override post(request: Request): void {
    if (request.kind === 'open') {
      this.hear({ kind: 'answer', answer: ['A', 'B'].map((name) => ({ name, description: name })) });
    } else if (request.kind === 'case') {
      FragileWorkplace.asked.push(request);
      if (!request.without.includes('B')) {
        this.hear({ kind: 'progress', engine: 'B', step: 'first run' });
        if (this.dies) this.ended('its process ended with SIGSEGV');
        return;
      }
      const engines: EngineOutcome[] = [{ engine: 'A', status: 'lacks' }];
      const answer = { ...fakeCase(), flops: 1, bytes: 1, difference: null, mismatch: null, engines };
      this.hear({ kind: 'answer', answer });
    } else assert.unreachable('a quick run has no roofline');
  }

  override close(): void {}
}

/** What was kept of the latest run. */
let kept: DeviceOutcome[];

async function outcomesOf(dies: boolean, longestRunSeconds = 60): Promise<readonly EngineOutcome[]> {
  FragileWorkplace.opened = 0;
  FragileWorkplace.asked = [];
  kept = [];
  const target: Target = {
    device: 'lavapipe',
    kind: 'webgpu',
    threads: null,
    description: '',
    software: true,
    start: () => new FragileWorkplace(dies),
  };
  const plan: Plan = {
    cases: [fakeCase()],
    method: { ...method, quick: true, longestRunSeconds },
    names: null,
    commit: null,
    progress() {},
    keep: (soFar) => kept.push(soFar),
  };
  return (await measureDevice(target, plan)).cases[0].engines;
}

test('an engine that takes its process with it has failed, and the others are measured in a new one', async () => {
  const outcomes = await outcomesOf(true);
  assert.equal(outcomes, [
    { engine: 'A', status: 'lacks' },
    { engine: 'B', status: 'failed', reason: 'its process ended with SIGSEGV' },
  ]);
  assert.is(FragileWorkplace.opened, 2);
  // What is kept on the way is what comes out at the end.
  assert.equal(
    kept.map(({ cases }) => cases[0].engines),
    [outcomes],
  );
  assert.equal(
    FragileWorkplace.asked.map(({ without }) => without),
    [[], ['B']],
  );
});

test('an engine that does not end in time is not run, with the time that it had', async () => {
  const [, late] = await outcomesOf(false, 0.2);
  assert.equal(late, { engine: 'B', status: 'not-run', seconds: 1, reason: 'not done after 1 s' });
});

/** A measuring process that runs this program. */
function processOf(program: string): MeasuringProcess {
  const file = join(folder, `process-${Math.random()}.mjs`);
  writeFileSync(file, program);
  return new MeasuringProcess(file, { GREETING: 'hello' });
}
const request: Request = { kind: 'roofline', device: 'cpu', threads: 1 };

async function failureOf(asked: Promise<unknown>): Promise<WorkplaceFailure> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof WorkplaceFailure) return error;
    throw error;
  }
  return assert.unreachable('it answered') as never;
}

test('a process gives its progress and its answer, in an environment without shader caches', async () => {
  const worker = processOf(`process.on('message', ({ kind }) => {
    process.send({ kind: 'progress', engine: 'A', step: kind });
    process.send({ kind: 'answer', answer: [process.env.GREETING, process.env.MESA_SHADER_CACHE_DISABLE] });
  });`);
  const steps: string[] = [];
  const answer: unknown = await worker.ask(request, 60, (engine, step) => steps.push(`${engine} ${step}`));
  worker.close();
  assert.equal(answer, ['hello', 'true']);
  assert.equal(steps, ['A roofline']);
});

test('a process that dies is told with its last words and the engine that was at work', async () => {
  const worker = processOf(`process.on('message', () => {
    process.send({ kind: 'progress', engine: 'A', step: 'first run' }, () => {
      console.error('Fatal error: no more room\\nthe rest of the story');
      process.exit(7);
    });
  });`);
  const failure = await failureOf(worker.ask(request, 60));
  assert.is(failure.message, 'its process ended with exit code 7, saying: Fatal error: no more room');
  assert.equal([failure.engine, failure.timeLimit], ['A', null]);
});

test('a process that stands still is ended, and what it was at is told', async () => {
  const worker = processOf(`let asked = 0;
    process.on('message', () => {
      if (asked++ === 0) process.send({ kind: 'answer', answer: 'awake' });
      else process.send({ kind: 'progress', engine: 'A', step: 'first run' });
    });`);
  assert.is(String(await worker.ask(request, 60)), 'awake');
  const failure = await failureOf(worker.ask(request, 2));
  assert.is(failure.message, 'not done after 2 s');
  assert.equal([failure.engine, failure.timeLimit], ['A', 2]);
});

test('what a process refuses is an error of its own', async () => {
  const worker = processOf(
    `process.on('message', () => process.send({ kind: 'error', message: 'there is no case x' }));`,
  );
  await worker.ask(request, 60).then(
    () => assert.unreachable(),
    (error) => assert.is(error.message, 'there is no case x'),
  );
  worker.close();
});

test.run();
