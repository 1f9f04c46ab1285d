// @minutes 8
// What the documents say is held to the program: their examples run, their commands and links exist.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type OpenedPage, openPage } from '../scripts/browser/open-page.ts';
import { startStaticServer } from '../scripts/browser/static-server.mjs';
import { browser, webgpuTest } from './adapter.ts';
import { type CodeBlock, codeBlocks } from './code-blocks.ts';

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'docs/OPS.md',
  'docs/FINE-TUNING.md',
  'models/flickr8k/README.md',
];
const blocks = codeBlocks('README.md');
const browserTest = browser === 'none' ? test.skip : test;

/** What a program prints; it must end well and say nothing of errors. */
function output(args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: 120_000,
  });
  assert.is(status, 0, `node ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function only(language: string, containing = ''): CodeBlock {
  const found = blocks.filter((block) => block.language === language && block.text.includes(containing));
  assert.is(found.length, 1, `README.md has ${found.length} ${language} blocks with ${containing}, not one`);
  return found[0];
}

/** Opens an example as a page of its own, served with the folders that it reads. */
async function withPage(block: CodeBlock, body: (opened: OpenedPage) => Promise<void>): Promise<void> {
  mkdirSync('build', { recursive: true });
  const folder = mkdtempSync(join('build', 'readme-'));
  let server: Awaited<ReturnType<typeof startStaticServer>> | undefined;
  let opened: OpenedPage | undefined;
  try {
    writeFileSync(join(folder, 'index.html'), block.text);
    server = await startStaticServer();
    opened = await openPage(browser, `${server.origin}/${folder}/index.html`);
    await body(opened);
    // The examples have no icon, which Chromium asks for.
    const complaints = opened.complaints.filter((complaint) => !complaint.includes('/favicon.ico'));
    assert.equal(complaints, []);
  } finally {
    await opened?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

browserTest('the page that fits a line shows what README.md says', () =>
  withPage(only('html', 'meanSquaredError'), async ({ page }) => {
    await page.waitForSelector('#answer:not(:empty)', { timeout: 60_000 });
    assert.is(`${await page.textContent('#answer')}\n`, only('text').text);
  }),
);

browserTest('the page that captions a photograph shows the sentence of the command line', () =>
  withPage(only('html', 'CaptionerWorker'), async ({ page }) => {
    await page.waitForSelector('#file:not([disabled])', { timeout: 60_000 });
    await page.setInputFiles('#file', 'test/images/coffee.jpg');
    await page.waitForSelector('#answer:not(:empty)', { timeout: 120_000 });
    const expected = output(['dist/caption.js', '--device', 'cpu', 'test/images/coffee.jpg']);
    assert.is(`${await page.textContent('#answer')}\n`, expected);
    await page.evaluate(() => document.querySelector('#answer')?.replaceChildren());
    await page.setInputFiles('#file', 'package.json');
    await page.waitForSelector('#answer:not(:empty)');
    assert.match(
      (await page.textContent('#answer')) ?? '',
      /package\.json is a text file, which this browser cannot decode/,
    );
  }),
);

test('the example that captions in Node prints the sentence of the command line', () => {
  const printed = output(['--input-type=module', '--eval', only('js', 'Captioner.load').text]);
  assert.is(printed, output(['dist/caption.js', 'test/images/cat.jpg']));
});

webgpuTest(test)('the example that times a product runs on both devices', () => {
  const lines = output(['--input-type=module', '--eval', only('js', 'GFLOPS').text])
    .trim()
    .split('\n');
  assert.is(lines.length, 2);
  for (const line of lines) assert.match(line, /: \d+\.\d GFLOPS, first element 512$/);
});

/** The commands of a document's shell blocks, a list of words each. */
function commands(document: string): string[][] {
  return codeBlocks(document)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, '').split('\n'))
    .flatMap((line) => line.replace(/(^|\s)#.*/, '').split('&&'))
    .map((command) => command.trim().split(/\s+/))
    .filter(([program]) => program !== '');
}

const { scripts, dependencies, optionalDependencies, devDependencies } = JSON.parse(
  readFileSync('package.json', 'utf8'),
);

for (const document of [
  'README.md',
  'CONTRIBUTING.md',
  'docs/FINE-TUNING.md',
  'bench/README.md',
  'bench/golden/README.md',
]) {
  test(`the commands of ${document} exist`, () => {
    const helps = new Map<string, string>();
    const found = commands(document);
    assert.ok(found.length > 0);
    for (const [program, subject, ...rest] of found) {
      const said = [program, subject, ...rest].join(' ');
      if (program === 'npm' && subject !== 'ci') {
        assert.ok(
          (subject === 'run' ? rest[0] : subject) in scripts,
          `${said}: package.json has no such script`,
        );
      }
      if (program !== 'node') continue;
      if (!subject.startsWith('dist/')) {
        assert.ok(existsSync(subject), `${said}: there is no ${subject}`);
        continue;
      }
      const command = rest.includes('--fine-tune') ? [subject, '--fine-tune', 'all'] : [subject];
      const help = helps.get(command.join(' ')) ?? output([...command, '--help']);
      helps.set(command.join(' '), help);
      for (const flag of rest.filter((word) => word.startsWith('--'))) {
        assert.ok(new RegExp(`${flag}\\b`).test(help), `${said}: --help knows no ${flag}`);
      }
    }
  });
}

test('the options of the table in README.md are those of caption.js', () => {
  const section = /## Caption photographs([\s\S]*?)\n## /.exec(readFileSync('README.md', 'utf8'))?.[1] ?? '';
  const table = section.split('\n').filter((line) => line.startsWith('|'));
  const flags = (text: string) => [...new Set(text.match(/--[a-z]+/g))].sort();
  assert.equal(flags(table.join('\n')), flags(output(['dist/caption.js', '--help'])));
});

test('README.md says of every dependency why it is there', () => {
  const [, section] = readFileSync('README.md', 'utf8').split('## Dependencies');
  const listed = section.split('## ')[0].split('For building and testing only:');
  for (const [index, packages] of [{ ...dependencies, ...optionalDependencies }, devDependencies].entries()) {
    const names = [...listed[index].matchAll(/^\| (`.+`) \|/gm)].flatMap(
      ([, cell]) => cell.match(/[^`, ]+/g) ?? [],
    );
    const wanted = Object.keys(packages).map((name) => name.replace(/^@types\/.*/, '@types/…'));
    assert.equal(names.sort(), [...new Set(wanted)].sort());
  }
});

for (const document of documents) {
  test(`the links of ${document} lead somewhere`, () => {
    const text = readFileSync(document, 'utf8').replace(/^( *)```[\s\S]*?^\1```$/gm, '');
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      title
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      if (target.startsWith('#')) assert.ok(headings.includes(target.slice(1)), `no heading ${target}`);
      else assert.ok(existsSync(normalize(join(dirname(document), target))), `there is no ${target}`);
    }
  });
}

test.run();
