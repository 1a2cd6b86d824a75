"""What server and page say to each other: JSON, one model a message; the page's TypeScript types come from these."""
