// Kazashi
