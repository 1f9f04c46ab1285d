import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addTotals, readTotals } from '../scripts/test-totals.mjs';

const ended = (code: number) => ({ code, signal: null });
const said = (total: number, passed: number, skipped = 0) =>
  `• • \u001b[32m  (${passed} / ${total})\u001b[39m\n\n  Total:     ${total}\u001b[32m\n  Passed:    ${passed}\u001b[39m\n  Skipped:   ${skipped}\n  Duration:  1.20ms\n\n`;

test('the totals of uvu are read, coloured or not', () => {
  assert.equal(readTotals(said(5, 5, 2), ended(0)), { passed: 5, failed: 0, skipped: 2, trouble: undefined });
  assert.equal(readTotals(said(5, 3), ended(1)), { passed: 3, failed: 2, skipped: 0, trouble: undefined });
});

test('a throwing before-hook, which uvu reports with exit code 0, counts as failures', () => {
  assert.is(readTotals(said(4, 0), ended(0)).failed, 4);
});

test('a crash, a hang, a file without tests and a late exit code count as failures', () => {
  assert.is(readTotals('• • ', { code: null, signal: 'SIGSEGV' }).failed, 1);
  assert.match(readTotals('• • ', { code: null, signal: 'SIGSEGV' }).trouble ?? '', /SIGSEGV/);
  assert.match(readTotals(said(3, 3), 'still running after 300 s').trouble ?? '', /still running/);
  assert.is(readTotals(said(3, 3), 'still running after 300 s').failed, 1);
  assert.is(readTotals('', ended(0)).failed, 1);
  assert.is(readTotals(said(0, 0), ended(0)).failed, 1);
  assert.is(readTotals(said(3, 3), ended(1)).failed, 1);
});

test('a file in which every test is skipped is no failure of the file', () => {
  assert.is(readTotals(said(0, 0, 3), ended(0)).failed, 0);
});

test('results add up', () => {
  const results = [readTotals(said(5, 4, 1), ended(1)), readTotals('', ended(1))];
  assert.equal(addTotals(results), { passed: 4, failed: 2, skipped: 1 });
});

test.run();
