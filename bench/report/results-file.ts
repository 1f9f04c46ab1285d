/** Results as the text of a file, and two files as one. */
import { higherRoofline } from '../measure/roofline.ts';
import { type Results, resultsFormat, resultsVersion } from './results.ts';

/** A results file that cannot be used; the message names it and says what is wrong. */
export class ResultsError extends Error {
  override readonly name = 'ResultsError';
}

/** Reads a results file; `path` is for messages. Throws ResultsError. */
export function parseResults(text: string, path: string): Results {
  let value: Partial<Results> | null;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ResultsError(`${path} is not JSON: ${(error as Error).message}`);
  }
  if (value?.format !== resultsFormat || value.version !== resultsVersion) {
    throw new ResultsError(
      `${path} is ${value?.format} ${value?.version}, expected ${resultsFormat} ${resultsVersion}: measure again`,
    );
  }
  return value as Results;
}

/** Five digits are more than any clock here is worth; whole numbers are counts and stay. */
const rounded = (_key: string, value: unknown) =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;

/** JSON with one case on a line, so that a difference of two files shows cases. */
export function formatResults(results: Results, extra: Readonly<Record<string, unknown>> = {}): string {
  const { devices, ...head } = results;
  const block = (value: object) => JSON.stringify(value, rounded, 2).slice(2, -2);
  const lists = devices.map(({ cases, ...device }) => {
    const lines = cases.map((one) => `        ${JSON.stringify(one, rounded)}`).join(',\n');
    const facts = block(device).replace(/^/gm, '    ');
    return `    {\n${facts},\n      "cases": [${lines && `\n${lines}\n      `}]\n    }`;
  });
  return `{\n${block({ ...head, ...extra })},\n  "devices": [${lists.length ? `\n${lists.join(',\n')}\n  ` : ''}]\n}\n`;
}

/** `later` with the cases, and the devices, of `earlier` that it has none of. Refuses results of another machine. */
export function mergeResults(earlier: Results, later: Results): Results {
  const machineOf = ({ machine: { processor, cores, system } }: Results) =>
    `${processor}, ${cores} cores, ${system}`;
  if (machineOf(earlier) !== machineOf(later)) {
    throw new ResultsError(
      `results of ${machineOf(later)} cannot go into a file of ${machineOf(earlier)}: give another file`,
    );
  }
  const merged = later.devices.map((device) => {
    const before = earlier.devices.find((one) => one.device === device.device);
    if (!before) return device;
    if (before.description !== device.description) {
      throw new ResultsError(
        `results on ${device.description} cannot go into a file with results on ${before.description}: give another file`,
      );
    }
    const measured = new Map(device.cases.map((one) => [one.name, one]));
    const cases = before.cases.map((one) => measured.get(one.name) ?? one);
    const known = new Set(before.cases.map(({ name }) => name));
    const engines = new Map([...before.engines, ...device.engines].map((one) => [one.name, one]));
    return {
      ...device,
      roofline: higherRoofline(before.roofline, device.roofline),
      engines: [...engines.values()],
      cases: [...cases, ...device.cases.filter(({ name }) => !known.has(name))],
    };
  });
  const names = new Set(later.devices.map(({ device }) => device));
  return { ...later, devices: [...earlier.devices.filter(({ device }) => !names.has(device)), ...merged] };
}
