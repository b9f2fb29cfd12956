// The few choices this browser remembers (language, appearance). Never here: anything of a customer.

const PREFIX = 'roadbook.';

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null; // storage switched off: the choice lasts for this page
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // storage switched off or full: nothing else depends on it
  }
}
