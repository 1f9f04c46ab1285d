// @minutes 8
// The same code in a browser: opens test/browser/index.html in headless Chromium and judges what it reports.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { browser } from './adapter.ts';
import { type OpenedPage, openPage } from './browser/open-page.ts';
import type { Report } from './browser/report.ts';
import { type StaticServer, startStaticServer } from './browser/static-server.ts';
import { opCases } from './op-suite.ts';

const limitSeconds = 420;

const test = suite('browser');
const browserTest = browser === 'none' ? test.skip : test;
let server: StaticServer;
let opened: OpenedPage;
let report: Report;

browserTest('the page runs to its end', async () => {
  server = await startStaticServer();
  opened = await openPage(browser, `${server.origin}/test/browser/index.html`);
  const late = new Promise<never>((_, reject) => {
    setTimeout(async () => {
      const progress = await opened.page
        .evaluate(() => window.progress)
        .catch(() => 'unknown: it does not answer');
      reject(new Error(`the page is not done after ${limitSeconds} s; it is at: ${progress}`));
    }, limitSeconds * 1000).unref();
  });
  report = await Promise.race([opened.page.evaluate(() => window.report), late]);
});

browserTest('the browser has a WebGPU adapter', () => {
  assert.not.match(report.adapter, /^none/);
  console.log(`\n  Chromium's adapter: ${report.adapter}`);
});

for (const device of ['cpu', 'webgpu'] as const) {
  browserTest(`every case of the op table passes on its ${device} device`, () => {
    const found = report.devices.find((candidate) => candidate.device === device);
    assert.ok(found, `the page ran nothing on ${device}`);
    const failures = found.cases.filter(({ error }) => error !== undefined);
    assert.equal(failures, []);
    assert.equal(
      found.cases.map(({ name }) => name),
      opCases().map(({ name }) => name),
    );
    assert.ok(found.cases.length > 0);
    console.log(`\n  ${found.cases.length} cases in ${found.seconds.toFixed(1)} s: ${found.description}`);
  });
}

browserTest('the console is empty of errors and warnings', () => {
  assert.equal(opened.complaints, []);
});

test.after(async () => {
  await opened?.close();
  await server?.close();
});

test.run();
