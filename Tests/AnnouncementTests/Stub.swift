// Announcement
