// Prints what this machine has for the tests, one line each: the adapters (`lavapipe: works, llvmpipe …`) and the browser.
import { adapterKinds, describeProbe, probeAdapter } from './adapters.mjs';
import { findChromium } from './chromium.mjs';

const [probes, browser] = await Promise.all([Promise.all(adapterKinds.map(probeAdapter)), findChromium()]);
for (const probe of probes) console.log(describeProbe(probe));
console.log(browser ? `browser: works, ${browser.path} (${browser.version})` : 'browser: absent');
