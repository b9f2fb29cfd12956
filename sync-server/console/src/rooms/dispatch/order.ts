// Pure work on the order of stops. Never here: requests, or anything drawn.
import type { Id, Tour, TourStop } from '../../api/types';

/** Takes the item at `from` out and puts it in at `to`; bounds are kept. */
export function moved<T>(items: readonly T[], from: number, to: number): T[] {
  const next = [...items];
  const [item] = next.splice(from, 1);
  if (item === undefined) return next;
  next.splice(Math.min(Math.max(to, 0), next.length), 0, item);
  return next;
}

/** Stops that never move again: visited, being visited, or skipped. */
export function fixed(stop: TourStop): boolean {
  return stop.state !== 'open';
}

export function openIds(tour: Tour | null): Id[] {
  return tour === null ? [] : tour.stops.filter((stop) => !fixed(stop)).map((stop) => stop.customer.id);
}

export function sameOrder(a: readonly Id[], b: readonly Id[]): boolean {
  return a.length === b.length && a.every((id, n) => id === b[n]);
}

/** What another plan changed, by the stops that it is about. */
export interface Changes {
  added: TourStop[];
  removed: TourStop[];
  moved: TourStop[];
  urgent: TourStop[];
}

/** The fewest ids whose removal leaves both orders alike; ids of only one of them do not count. */
export function displaced(before: readonly Id[], after: readonly Id[]): Id[] {
  const place = new Map(before.map((id, at) => [id, at]));
  const kept = after.flatMap((id) => {
    const at = place.get(id);
    return at === undefined ? [] : [{ id, at }];
  });
  // The longest run that still ascends stays; `runs[n]` is the one that ends with the n-th.
  const runs: number[][] = [];
  kept.forEach((one, n) => {
    let best: number[] = [];
    for (let m = 0; m < n; m += 1) {
      const run = runs[m] ?? [];
      if ((kept[m]?.at ?? 0) < one.at && run.length > best.length) best = run;
    }
    runs.push([...best, n]);
  });
  const stays = new Set(runs.reduce((best, run) => (run.length > best.length ? run : best), []));
  return kept.filter((_, n) => !stays.has(n)).map((one) => one.id);
}

/** What was planned otherwise since: stops that the representative added, visited or skipped meanwhile are nobody's planning. */
export function changes(before: Tour | null, after: Tour | null): Changes {
  const old = new Map((before?.stops ?? []).map((stop) => [stop.customer.id, stop]));
  const now = new Map((after?.stops ?? []).map((stop) => [stop.customer.id, stop]));
  const cancelled = (stop: TourStop | undefined) => stop === undefined || stop.state === 'visited_removed';
  const openIn = (stops: Map<Id, TourStop>) => (id: Id) => stops.get(id)?.state === 'open';
  const out = displaced(openIds(before).filter(openIn(now)), openIds(after).filter(openIn(old)));
  return {
    added: [...now.values()].filter((stop) => !old.has(stop.customer.id) && !stop.ad_hoc && !cancelled(stop)),
    removed: [...old.values()].filter((stop) => !cancelled(stop) && cancelled(now.get(stop.customer.id))),
    moved: out.flatMap((id) => now.get(id) ?? []),
    urgent: [...now.values()].filter((stop) => !fixed(stop) && old.has(stop.customer.id) && old.get(stop.customer.id)?.urgent !== stop.urgent),
  };
}

/** How many of a tour's stops are done, of how many. */
export function progress(tour: Tour): { done: number; all: number } {
  const done = tour.stops.filter((stop) => stop.state === 'visited' || stop.state === 'visited_removed').length;
  return { done, all: tour.stops.length };
}

export interface Point {
  id: Id;
  lat: number;
  lon: number;
}

/** Places points in a box of the given size with a margin, north up, lengths true to each other. */
export function project(points: readonly Point[], width: number, height: number, margin: number): Map<Id, { x: number; y: number }> {
  const placed = new Map<Id, { x: number; y: number }>();
  if (points.length === 0) return placed;
  const lats = points.map((point) => point.lat);
  const lons = points.map((point) => point.lon);
  const south = Math.min(...lats);
  const west = Math.min(...lons);
  const squeeze = Math.cos((((south + Math.max(...lats)) / 2) * Math.PI) / 180);
  const spanX = (Math.max(...lons) - west) * squeeze;
  const spanY = Math.max(...lats) - south;
  const scale = Math.min((width - 2 * margin) / Math.max(spanX, 1e-4), (height - 2 * margin) / Math.max(spanY, 1e-4));
  const left = (width - spanX * scale) / 2;
  const bottom = (height - spanY * scale) / 2;
  for (const point of points) {
    placed.set(point.id, { x: left + (point.lon - west) * squeeze * scale, y: height - bottom - (point.lat - south) * scale });
  }
  return placed;
}
