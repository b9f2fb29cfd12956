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

/** Stops that never move again: visited, or being visited. */
export function fixed(stop: TourStop): boolean {
  return stop.state !== 'open';
}

export function openIds(tour: Tour | null): Id[] {
  return tour === null ? [] : tour.stops.filter((stop) => !fixed(stop)).map((stop) => stop.customer.id);
}

export function sameOrder(a: readonly Id[], b: readonly Id[]): boolean {
  return a.length === b.length && a.every((id, n) => id === b[n]);
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
