// The addresses that the dashboard knows, as Express writes them: each is answered with its document, and the page shows what belongs
// there. Every other address stays 404. A route that is added to
// web/dashboard/src/router.tsx is added here.
export const DASHBOARD_ROUTES: readonly string[] = ['/', '/projects/:key', '/register', '/forgot-password', '/reset'];
