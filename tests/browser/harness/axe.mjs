// The accessibility check of a page as it stands. Colours are judged too, so whatever moves must have come to rest.
import assert from 'node:assert/strict';
import axe from 'axe-core';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Fails on any violation, of whatever impact. */
export async function accessible(page, name) {
  await page.evaluate(() => Promise.all(document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime !== Infinity).map((one) => one.finished.catch(() => undefined))));
  // Run by the debugger and not by a script element: the page's own policy stays in force.
  await page.evaluate(axe.source);
  const found = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags, resultTypes: ['violations'] }), TAGS);
  const lines = found.violations.flatMap((one) => one.nodes.map((node) => `${one.impact} ${one.id}: ${node.target.join(' ')}: ${node.failureSummary?.split('\n').slice(1).join(';').trim()}`));
  assert.deepEqual(lines, [], `accessibility of ${name}`);
}

/** Nothing wider than the window: no scrolling sideways. */
export async function fits(page, name) {
  const wide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > width + 1).slice(0, 8).map((one) => `${one.tagName.toLowerCase()}.${one.className} ${Math.round(one.getBoundingClientRect().right)} > ${width}`);
  });
  assert.deepEqual(wide, [], `${name} is wider than the window`);
}
