// @minutes 6
// The captioner in a worker: a page of the built package in headless Chromium says what it saw.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openPage } from '../scripts/browser/open-page.ts';
import { startStaticServer } from '../scripts/browser/static-server.mjs';
import { browser } from './adapter.ts';
import { model, type WorkerReport } from './browser/report.ts';

const test = suite('browser-worker');
const browserTest = browser === 'none' ? test.skip : test;
let report: WorkerReport;
let complaints: readonly string[];

browserTest('the page runs to its end', async () => {
  const server = await startStaticServer();
  const opened = await openPage(browser, `${server.origin}/test/browser/worker.html`);
  try {
    report = await opened.page.evaluate(() => window.worker);
    complaints = [...opened.complaints];
  } finally {
    await opened.close();
    await server.close();
  }
});

browserTest('a file, an element, a canvas, a bitmap and pixels get the sentence that Node says', () => {
  const command = ['dist/caption.js', '--device', 'cpu', '--json', 'test/images/cat.jpg'];
  const [{ caption }] = JSON.parse(spawnSync(process.execPath, command, { encoding: 'utf8' }).stdout);
  for (const [kind, said] of Object.entries(report.captions)) assert.is(said, caption, kind);
  assert.is(Object.keys(report.captions).length, 7);
  assert.match(report.description, /one thread|1 thread/);
});

browserTest('the sentence grows word by word up to what it is in the end', () => {
  const { words, captions } = report;
  assert.ok(words.length > 3);
  assert.ok(words.every((soFar, index) => soFar.split(' ').length <= index + 1));
  assert.is(words.at(-1), captions.file);
});

browserTest('the download is followed to the last byte, and at the second visit the files are there', () => {
  const expected = Object.fromEntries(
    readdirSync(model)
      .filter((name) => ['config.json', 'tokenizer.json'].includes(name) || name.endsWith('.safetensors'))
      .map((name) => [name, statSync(`${model}/${name}`).size]),
  );
  assert.equal(report.loaded, [expected, expected]);
  assert.is(report.messagesOfKept, 1);
});

browserTest('the page itself was never busy for more than 50 ms', () => {
  assert.is(report.longestTask, 0);
});

browserTest('what is wrong is said by an error of its class, and the worker works on', () => {
  const { refusals } = report;
  assert.is(refusals.aborted, 'Error: enough');
  assert.match(
    refusals['a text'],
    /^ImageError: notes\.txt is a text file, which this browser cannot decode/,
  );
  assert.match(refusals['wrong top'], /^UnsupportedError: Captioner: the 0 best sentences were asked for/);
  assert.match(refusals['no model'], /^FormatError: .*models\/none\/config\.json cannot be fetched \(404/);
  assert.match(
    refusals['no script'],
    /^EkphrasisError: the captioner's worker stopped: its script cannot be loaded/,
  );
  for (const name of ['closed', 'used when closed']) {
    assert.match(refusals[name], /^EkphrasisError: the captioner's worker stopped: it was closed/);
  }
});

browserTest('the console is empty but for the two files that are not there', () => {
  const others = complaints.filter((line) => !/models\/none|dist\/none\.js/.test(line));
  assert.equal(others, []);
});

browserTest('a policy that forbids WebAssembly is named as the cause', async () => {
  const server = await startStaticServer();
  const opened = await openPage(browser, `${server.origin}/test/browser/strict.html`);
  try {
    const told = await opened.page.evaluate(() => window.strict);
    assert.match(told, /^UnsupportedError: .*Content-Security-Policy forbids; add 'wasm-unsafe-eval'/);
  } finally {
    await opened.close();
    await server.close();
  }
});

test.run();
