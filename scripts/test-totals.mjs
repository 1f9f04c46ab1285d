// Reads what uvu prints at the end of a test file.

/**
 * The counts of one finished test file from its output and its ending, `{ code, signal }` or a sentence on why it was
 * stopped. uvu's word is not taken alone: a throwing before-hook leaves uvu content with fewer tests passed than there are, a
 * crash prints no totals, and a file without a test is no success. `trouble` says what went wrong besides failed tests.
 */
export function readTotals(output, ending) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours that uvu prints begin with the escape character
  const plain = output.replace(/\u001b\[[\d;]*m/g, '');
  const found = [...plain.matchAll(/^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)$/gm)].at(-1);
  const [total, passed, skipped] = found ? found.slice(1).map(Number) : [0, 0, 0];
  let failed = total - passed;
  let trouble;
  if (typeof ending === 'string') trouble = ending;
  else if (ending.signal) trouble = `killed by ${ending.signal}`;
  else if (!found) trouble = `printed no totals (exit code ${ending.code})`;
  else if (total + skipped === 0) trouble = 'holds no test';
  else if (ending.code !== 0 && failed === 0) trouble = `exit code ${ending.code} although its tests passed`;
  if (trouble) failed = Math.max(failed, 1);
  return { passed, failed, skipped, trouble };
}

/** Sums of several results of `readTotals`. */
export function addTotals(results) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of results) {
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  return sum;
}
