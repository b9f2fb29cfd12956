// How the console is built and served while it is worked on. Nothing here ships: the server embeds `dist`.
import vue from '@vitejs/plugin-vue';
import { defineConfig, type Plugin } from 'vite';
import { mockServer } from './mock/server.ts';

// With ROADBOOK_API (an address of a running roadbook-server) the page talks to it; without, to the in-memory mock.
const api = process.env['ROADBOOK_API'];
const backend: Plugin[] = api === undefined ? [mockServer()] : [];

export default defineConfig({
  plugins: [vue(), ...backend],
  build: {
    target: 'es2022',
    // Every asset is a file of its own: the policy `default-src 'self'` allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: api === undefined ? {} : { proxy: { '/api': api } },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
} as Parameters<typeof defineConfig>[0]);
