// What a page must never do, noted while it is used: errors in the console, failed requests, breaches of the content policy,
// anything asked of another server.
import assert from 'node:assert/strict';

/** Watches a page; `excuse` names what a test brings about on purpose: `401 /api/login`. */
export async function watch(page, origin) {
  const wrong = [];
  const excused = new Set();
  await page.exposeFunction('roadbookPolicyBreach', (what) => wrong.push(`policy: ${what}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => window.roadbookPolicyBreach(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
  });
  page.on('pageerror', (error) => wrong.push(`exception: ${error.stack ?? error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    const from = message.location().url;
    // Chromium repeats each failed answer as a console error: the answer itself is judged below.
    if (message.text().startsWith('Failed to load resource: the server responded')) return;
    wrong.push(`console ${message.type()}: ${message.text()} (${from})`);
  });
  page.on('requestfailed', (request) => {
    // A page that is left, or a question that is asked anew, gives up what it no longer needs.
    if (request.failure()?.errorText === 'net::ERR_ABORTED') return;
    wrong.push(`request failed: ${request.method()} ${request.url()} ${request.failure()?.errorText}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith('data:')) wrong.push(`outside: ${request.url()}`);
  });
  page.on('response', (response) => {
    if (response.status() < 400) return;
    const what = `${response.status()} ${new URL(response.url()).pathname}`;
    if (!excused.has(what)) wrong.push(`answer: ${response.request().method()} ${what}`);
  });
  return {
    excuse: (what) => excused.add(what),
    /** Nothing went wrong since the last time this was asked. */
    clean: () => assert.deepEqual(wrong.splice(0), [], 'the page did what it must never do'),
  };
}
