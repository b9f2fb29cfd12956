// What the customer list is asked, kept in the address bar so that a link or "back" brings the same list.
import type { LocationQuery, LocationQueryRaw } from 'vue-router';
import type { CustomerQuery, CustomerSort } from '../../api/types';

export interface Question {
  q: string;
  territory: string;
  grade: string;
  type: string;
  stale: boolean;
  overdue: boolean;
  review: boolean;
  sort: CustomerSort;
  descending: boolean;
}

export const SORTS: readonly CustomerSort[] = ['name', 'grade', 'territory', 'last_visit', 'due', 'stale', 'review'];
export const PLAIN: Question = { q: '', territory: '', grade: '', type: '', stale: false, overdue: false, review: false, sort: 'due', descending: false };

const one = (value: LocationQuery[string] | undefined): string => (typeof value === 'string' ? value : '');

export function fromAddress(query: LocationQuery): Question {
  const sort = SORTS.find((name) => name === one(query['sort'])) ?? PLAIN.sort;
  return {
    q: one(query['q']),
    territory: one(query['territory']),
    grade: one(query['grade']),
    type: one(query['type']),
    stale: one(query['stale']) === '1',
    overdue: one(query['overdue']) === '1',
    review: one(query['review']) === '1',
    sort,
    descending: one(query['descending']) === '1',
  };
}

export function toAddress(question: Question): LocationQueryRaw {
  const query: LocationQueryRaw = {};
  for (const [name, value] of Object.entries(question)) {
    if (value === '' || value === false || (name === 'sort' && value === PLAIN.sort)) continue;
    query[name] = value === true ? '1' : String(value);
  }
  return query;
}

export function toRequest(question: Question): CustomerQuery {
  return { ...question, q: question.q.trim() };
}

/** Anything set besides the search word and the order? */
export function narrowed(question: Question): boolean {
  return question.territory !== '' || question.grade !== '' || question.type !== '' || question.stale || question.overdue || question.review;
}
