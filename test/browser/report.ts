/** What the page tells the driver, as plain data. */

export interface CaseResult {
  readonly name: string;
  /** What went wrong; absent where the case passed. */
  readonly error?: string;
}

export interface DeviceReport {
  readonly device: 'webgpu' | 'cpu';
  /** The device's own words on what it is, and the cases that ran on it. */
  readonly description: string;
  readonly cases: readonly CaseResult[];
  readonly seconds: number;
}

export interface Report {
  /** `vendor architecture device description` of the adapter that the browser gives, or why there is none. */
  readonly adapter: string;
  readonly devices: readonly DeviceReport[];
}

declare global {
  interface Window {
    /** The page's work. Rejects only where the page itself is broken. */
    report: Promise<Report>;
    /** What the page is at; the driver tells it when time runs out. */
    progress: string;
  }
}
