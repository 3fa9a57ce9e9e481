import '../../shared/tokens.css';
import '../../shared/base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { readTheme, showTheme } from '../../shared/theme.js';
import { App } from './app.js';
import { reloadOnceForMissingFiles } from './new-build.js';

showTheme(readTheme());
reloadOnceForMissingFiles();

createRoot(document.querySelector('#root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
