/** Opens a page in headless Chromium and keeps everything that its console says. */
import { type Browser, chromium, type Page } from 'playwright-core';

/** Chromium offers WebGPU on a software adapter only when told to, and on Linux on a GPU only so too. */
const adapterFlags = {
  swiftshader: ['--use-webgpu-adapter=swiftshader'],
  system: ['--enable-features=Vulkan'],
} as const;

// The later ones keep it from calling home.
const flags = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-sync',
  '--disable-extensions',
  '--disable-features=OptimizationHints,MediaRouter,Translate',
];

export interface OpenedPage {
  readonly page: Page;
  /** Errors and warnings of the console, uncaught exceptions, failed requests; in their order. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

export async function openPage(
  executablePath: string,
  url: string,
  adapter: keyof typeof adapterFlags = 'swiftshader',
): Promise<OpenedPage> {
  // Chromium brings its own SwiftShader; the driver that is chosen for Node must not reach it.
  const { VK_ICD_FILENAMES: _icd, VK_DRIVER_FILES: _driver, ...environment } = process.env;
  const env = environment as Record<string, string>;
  const args = [...flags, ...adapterFlags[adapter]];
  const browser: Browser = await chromium.launch({ executablePath, headless: true, args, env });
  const complaints: string[] = [];
  const page = await browser.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      complaints.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  page.on('crash', () => complaints.push('the page crashed'));
  page.on('requestfailed', (request) => {
    const { errorText } = request.failure() ?? {};
    complaints.push(`request failed: ${request.method()} ${request.url()} (${errorText})`);
  });
  await page.goto(url);
  return { page, complaints, close: () => browser.close() };
}
