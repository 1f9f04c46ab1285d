import cliProgress from 'cli-progress';

/** A bar on standard error with the time left; nothing at all where that is not a terminal. */
export interface ProgressBar {
  /** Shows that `done` of `total` are done, and a remark such as the loss; the first call shows the bar. */
  update(done: number, total: number, remark?: string): void;
  /** Ends the bar's line, so that what is said next has its own. Idempotent. */
  close(): void;
}

/** @param label what is counted, such as `features` */
export function openProgressBar(label: string): ProgressBar {
  const bar = new cliProgress.SingleBar({
    format: `${label} [{bar}] {value}/{total}, {eta_formatted} left {remark}`,
    // Over ten values, the default, the time left jumps with every slow image.
    etaBuffer: 100,
    etaAsynchronousUpdate: true,
  });
  let open = false;
  return {
    update(done, total, remark = '') {
      if (!open) bar.start(total, done, { remark });
      open = true;
      bar.update(done, { remark });
    },
    close() {
      if (open) bar.stop();
      open = false;
    },
  };
}
