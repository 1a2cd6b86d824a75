"""The page in the browser: a server on this project's files, for the people who may read and change them anyway."""
