// Where a card of a hand-over goes.

/** To whoever takes over, to the pool, or nowhere. */
export type Whither = 'winner' | 'pool' | 'stays';
export const WHITHERS: readonly Whither[] = ['winner', 'pool', 'stays'];
